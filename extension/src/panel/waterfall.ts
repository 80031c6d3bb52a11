/** Where in its time an invocation waited, began and worked: the bars of the waterfall. */

import type { Finished } from '../lab/events';

/** Milliseconds. `init` is all between being let in and the handler: finding an environment, starting it, its init. */
export interface Bar {
  readonly queue: number;
  readonly init: number;
  readonly handler: number;
}

export function bar(row: Finished): Bar {
  const taken = Math.max(0, (row.ended - row.started) * 1000 - row.duration_ms);
  return {
    queue: row.waited_s * 1000,
    init: Math.max(taken, row.init_ms ?? row.restore_ms ?? 0),
    handler: row.duration_ms
  };
}

export function total({ queue, init, handler }: Bar): number {
  return queue + init + handler;
}

/** The widths of a bar's parts in percent, if `longest` fills the whole. What is there at all can be seen. */
export function widths(of: Bar, longest: number): Bar {
  const width = (ms: number) => (ms <= 0 || longest <= 0 ? 0 : Math.max(0.5, (ms / longest) * 100));
  return { queue: width(of.queue), init: width(of.init), handler: width(of.handler) };
}
