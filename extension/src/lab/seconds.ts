/** What a function did in each of the last seconds, for charts. */

import type { Counts, Finished } from './events';

export interface Second {
  readonly at: number;
  invocations: number;
  errors: number;
  throttles: number;
  running: number;
  /** The longest duration in milliseconds; null if none ended. */
  longest: number | null;
}

export class Seconds {
  private readonly kept = new Map<number, Second>();

  constructor(private readonly most: number) {}

  count(at: number, counts: Counts | undefined, running: number): void {
    if (counts === undefined && running === 0) {
      return;
    }
    const second = this.at(at);
    second.invocations += counts?.invocations ?? 0;
    second.errors += counts?.errors ?? 0;
    second.throttles += counts?.throttles ?? 0;
    second.running = Math.max(second.running, running);
  }

  time(row: Finished): void {
    const second = this.at(row.ended);
    second.longest = Math.max(second.longest ?? 0, row.duration_ms);
  }

  /** Every second up to `now`, those in which nothing happened too. */
  upTo(now: number): Second[] {
    const last = Math.floor(now);
    return Array.from({ length: this.most }, (_, index) => {
      const at = last - this.most + 1 + index;
      return this.kept.get(at) ?? nothing(at);
    });
  }

  private at(moment: number): Second {
    const at = Math.floor(moment);
    let second = this.kept.get(at);
    if (second === undefined) {
      second = nothing(at);
      this.kept.set(at, second);
      for (const old of this.kept.keys()) {
        if (old <= at - this.most) {
          this.kept.delete(old);
        }
      }
    }
    return second;
  }
}

function nothing(at: number): Second {
  return { at, invocations: 0, errors: 0, throttles: 0, running: 0, longest: null };
}
