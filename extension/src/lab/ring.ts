/** The last so many of something, oldest first. */
export class Ring<T> {
  private items: readonly T[] = [];

  constructor(private readonly most: number) {}

  add(more: readonly T[]): void {
    if (more.length > 0) {
      this.items = [...this.items, ...more].slice(-this.most);
    }
  }

  /** Put older ones before those that are there, but for those that are there already. */
  putBefore(older: readonly T[], identity: (item: T) => string): void {
    const known = new Set(this.items.map(identity));
    this.items = [...older.filter(item => !known.has(identity(item))), ...this.items].slice(-this.most);
  }

  get all(): readonly T[] {
    return this.items;
  }
}
