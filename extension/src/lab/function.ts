/** One function of the lab, as the live stream has told of it so far. */

import type { Environments, Finished, FunctionSeen, Line, Started } from './events';
import { Ring } from './ring';
import { Seconds } from './seconds';

const ROWS = 200;
const LINES = 1_000;
export const SECONDS = 300;

export class FunctionModel {
  running = 0;
  environments: Environments = { total: 0, idle: 0 };
  underWay: readonly Started[] = [];
  /** Whether it knows of what was before the stream began. */
  remembers = false;
  readonly finished = new Ring<Finished>(ROWS);
  readonly lines = new Ring<Line>(LINES);
  readonly seconds = new Seconds(SECONDS);

  constructor(public seen: FunctionSeen) {}

  get name(): string {
    return this.text('FunctionName');
  }

  get runtime(): string {
    return this.text('Runtime');
  }

  /** AWS's State, or InProgress and Failed of its last update. */
  get state(): string {
    const update = this.text('LastUpdateStatus');
    return update === '' || update === 'Successful' ? this.text('State') : update;
  }

  get reason(): string {
    return this.text('StateReason') || this.text('LastUpdateStatusReason');
  }

  get codeSha256(): string {
    return this.text('CodeSha256');
  }

  get logGroup(): string {
    const logging = this.seen.configuration.LoggingConfig as { LogGroup?: string } | undefined;
    return logging?.LogGroup ?? `/aws/lambda/${this.name}`;
  }

  get failing(): boolean {
    const last = this.finished.all.at(-1);
    return last !== undefined && last.status !== 'success';
  }

  begin(rows: readonly Started[]): void {
    this.underWay = [...this.underWay, ...rows].slice(-ROWS);
  }

  end(rows: readonly Finished[]): void {
    const over = new Set(rows.map(row => row.request_id));
    this.underWay = this.underWay.filter(row => !over.has(row.request_id));
    this.finished.add(rows);
    for (const row of rows) {
      this.seconds.time(row);
    }
  }

  /** Rows of before the stream began, oldest first; those that it told of itself are left out. */
  remember(rows: readonly Finished[], lines: readonly Line[]): void {
    this.finished.putBefore(rows, row => `${row.request_id} ${row.started}`);
    this.lines.putBefore(lines, line => `${line.stream} ${line.timestamp} ${line.message}`);
    this.remembers = true;
  }

  private text(member: string): string {
    const value = this.seen.configuration[member];
    return typeof value === 'string' ? value : '';
  }
}
