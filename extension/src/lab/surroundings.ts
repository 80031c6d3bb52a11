/** What is around functions, their sources and addresses, asked for when somebody looks and again after a change. */

import { Debouncer } from '@lumino/polling';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { LabModel } from './model';
import type { Requests, Surroundings } from './requests';

const SETTLED_MS = 500; // a deployment changes a function several times in a row

export class SurroundingsStore {
  private readonly known = new Map<string, Surroundings | null>();
  private readonly stale = new Set<string>();
  private asking: Promise<void> = Promise.resolve();
  private readonly _changed = new Signal<this, void>(this);
  private readonly debouncer = new Debouncer(() => {
    this.askAgain();
  }, SETTLED_MS);

  constructor(
    private readonly model: LabModel,
    private readonly requests: () => Requests
  ) {
    model.functionChanged.connect(this.note, this);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** What is known by now; it is asked for if it isn't. */
  of(name: string): Surroundings | null {
    if (!this.known.has(name)) {
      this.known.set(name, null);
      void this.ask(name);
    }
    return this.known.get(name) ?? null;
  }

  /** Asks anew. One function at a time: each takes the lab several calls. */
  ask(name: string): Promise<void> {
    this.asking = this.asking.then(() => this.fetch(name));
    return this.asking;
  }

  private async fetch(name: string): Promise<void> {
    try {
      this.known.set(name, await this.requests().surroundings(name));
    } catch {
      this.known.delete(name); // the lab has gone, or the function: the next look asks anew
      return;
    }
    this._changed.emit();
  }

  forget(): void {
    this.known.clear();
  }

  private note(_: LabModel, name: string): void {
    this.stale.add(name);
    void this.debouncer.invoke();
  }

  private askAgain(): void {
    for (const name of this.stale) {
      if (this.model.find(name) === undefined) {
        this.known.delete(name);
      } else if (this.known.has(name)) {
        void this.ask(name);
      }
    }
    this.stale.clear();
  }
}
