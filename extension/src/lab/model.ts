/** The lab as the panel and the cells see it: one model, fed by the live stream. */

import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { Finished, Line, Started, Tick } from './events';
import { FunctionModel } from './function';

export type Presence = 'connecting' | 'here' | 'absent';

export class LabModel {
  private readonly models = new Map<string, FunctionModel>();
  private readonly _changed = new Signal<this, void>(this);
  private readonly _functionChanged = new Signal<this, string>(this);
  presence: Presence = 'connecting';
  /** Why the lab is absent. */
  why = '';
  leftOut = 0;

  /** Something changed; ten times a second at most. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** A function was deployed, configured, attached to something, or deleted. */
  get functionChanged(): ISignal<this, string> {
    return this._functionChanged;
  }

  get functions(): FunctionModel[] {
    return [...this.models.values()].sort((a, b) => a.name.localeCompare(b.name));
  }

  find(name: string): FunctionModel | undefined {
    return this.models.get(name);
  }

  /** The connection to the Jupyter server is being made, anew perhaps. */
  connecting(): void {
    this.presence = 'connecting';
    this._changed.emit();
  }

  absent(why: string): void {
    this.presence = 'absent';
    this.why = why;
    this.models.clear();
    this._changed.emit();
  }

  /** Something else than the stream told more of it. */
  touch(): void {
    this._changed.emit();
  }

  apply(tick: Tick): void {
    if (tick.whole) {
      this.keepOnly(tick);
    }
    this.presence = 'here';
    this.leftOut += tick.left_out;
    this.see(tick);
    const started = grouped(tick.started, row => row.function);
    const finished = grouped(tick.finished, row => row.function);
    const lines = grouped(tick.lines, line => line.group);
    for (const model of this.models.values()) {
      this.tell(model, tick, started, finished, lines);
    }
    this._changed.emit();
    for (const name of [...tick.gone, ...tick.functions.map(seen => String(seen.configuration.FunctionName))]) {
      this._functionChanged.emit(name);
    }
  }

  private tell(
    model: FunctionModel,
    tick: Tick,
    started: ReadonlyMap<string, Started[]>,
    finished: ReadonlyMap<string, Finished[]>,
    lines: ReadonlyMap<string, Line[]>
  ): void {
    const name = model.name;
    model.begin(started.get(name) ?? []);
    model.end(finished.get(name) ?? []);
    model.lines.add(lines.get(model.logGroup) ?? []);
    model.running = tick.running[name] ?? 0;
    if (model.running === 0) {
      model.underWay = []; // the end of some may have been left out
    }
    model.environments = tick.environments[name] ?? { total: 0, idle: 0 };
    model.seconds.count(tick.at, tick.counts[name], model.running);
  }

  private see(tick: Tick): void {
    for (const seen of tick.functions) {
      const name = String(seen.configuration.FunctionName);
      const known = this.models.get(name);
      if (known === undefined) {
        this.models.set(name, new FunctionModel(seen));
      } else {
        known.seen = seen;
      }
    }
    for (const name of tick.gone) {
      this.models.delete(name);
    }
  }

  /** What went while nobody watched is forgotten, and what ran then may be over. */
  private keepOnly(tick: Tick): void {
    const there = new Set(tick.functions.map(seen => String(seen.configuration.FunctionName)));
    for (const [name, model] of this.models) {
      model.underWay = [];
      if (!there.has(name)) {
        this.models.delete(name);
      }
    }
  }
}

function grouped<T>(rows: readonly T[], by: (row: T) => string): ReadonlyMap<string, T[]> {
  const found = new Map<string, T[]>();
  for (const row of rows) {
    const others = found.get(by(row));
    if (others === undefined) {
      found.set(by(row), [row]);
    } else {
      others.push(row);
    }
  }
  return found;
}
