/** Where in the panel a person is, and what they have written there. */

import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { Answer } from '../lab/requests';

export const TABS = ['Invocations', 'Logs', 'Metrics', 'Test', 'Configuration'] as const;
export type Tab = (typeof TABS)[number];

/** A function's test event, and what came of it last. */
export interface Trial {
  event: string;
  running: boolean;
  answer: Answer | null;
  problem: string;
}

export class Place {
  private readonly _changed = new Signal<this, void>(this);
  private readonly trials = new Map<string, Trial>();
  /** Null: the list of functions. */
  name: string | null = null;
  tab: Tab = 'Invocations';
  /** Only lines that hold this are shown. */
  filter = '';

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  go(name: string | null, tab: Tab = this.tab, filter = ''): void {
    this.name = name;
    this.tab = tab;
    this.filter = filter;
    this._changed.emit();
  }

  trial(name: string): Trial {
    let found = this.trials.get(name);
    if (found === undefined) {
      found = { event: '{}', running: false, answer: null, problem: '' };
      this.trials.set(name, found);
    }
    return found;
  }

  change(name: string, more: Partial<Trial>): void {
    Object.assign(this.trial(name), more);
    this._changed.emit();
  }
}
