/** One invocation: a row of the waterfall, and what there is to know of it. */

import type { Finished } from '../lab/events';
import type { Lab } from '../lab/lab';
import { replay } from './invoking';
import type { Place } from './place';
import { bar, total, widths } from './waterfall';
import { dollars, milliseconds, time } from './words';

interface Props {
  readonly lab: Lab;
  readonly place: Place;
  readonly row: Finished;
  readonly longest: number;
  readonly open: boolean;
  readonly toggle: () => void;
}

export function Invocation({ lab, place, row, longest, open, toggle }: Props) {
  const failed = row.status !== 'success';
  const parts = widths(bar(row), longest);
  return (
    <li className={failed ? 'lablambda-failed' : ''}>
      <button aria-expanded={open} aria-label={words(row)} onClick={toggle}>
        <span className="lablambda-time">{time(row.started)}</span>
        <span className="lablambda-bar">
          <i className="lablambda-queue" style={{ width: `${parts.queue}%` }} />
          <i className="lablambda-init" style={{ width: `${parts.init}%` }} />
          <i className="lablambda-handler" style={{ width: `${parts.handler}%` }} />
        </span>
        <span className="lablambda-duration">{milliseconds(row.duration_ms)}</span>
      </button>
      {open && <Details {...{ lab, place, row }} />}
    </li>
  );
}

function words(row: Finished): string {
  const end = row.status === 'success' ? 'succeeded' : `${row.status}: ${row.error_type} ${row.error}`;
  return `${time(row.started)}, ${milliseconds(row.duration_ms)}, start: ${start(row)}, ${end}`;
}

function start({ init_ms, restore_ms }: Finished): string {
  if (restore_ms !== null) {
    return `restored in ${milliseconds(restore_ms)}`;
  }
  return init_ms === null ? 'warm' : `cold, init ${milliseconds(init_ms)}`;
}

function Details({ lab, place, row }: Pick<Props, 'lab' | 'place' | 'row'>) {
  return (
    <div className="lablambda-details">
      {row.status !== 'success' && (
        <pre className="lablambda-error">{[row.error_type || row.status, row.error].filter(Boolean).join(': ')}</pre>
      )}
      <dl>
        {facts(row).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <div className="lablambda-buttons">
        <button
          onClick={() => {
            place.go(row.function, 'Logs', row.request_id);
          }}
        >
          Its log
        </button>
        <button
          onClick={() => {
            void replay(lab, place, row.function, row.request_id);
          }}
        >
          Replay
        </button>
      </div>
    </div>
  );
}

function facts(row: Finished): [string, string][] {
  const before = total(bar(row)) - row.duration_ms - row.waited_s * 1000;
  return [
    ['request', row.request_id],
    ['source', row.source.replace(/^arn:aws:/, '')],
    ['version', row.version],
    ...(row.waited_s > 0 ? ([['queue', milliseconds(row.waited_s * 1000)]] as [string, string][]) : []),
    ['start', start(row)],
    ['before the handler', milliseconds(before)],
    ['handler', `${milliseconds(row.duration_ms)}, billed ${row.billed_ms} ms`],
    ['memory', `${row.max_memory_mb} of ${row.memory_mb} MB`],
    ...(Number.isNaN(row.cost) ? [] : ([['on AWS', dollars(row.cost)]] as [string, string][]))
  ];
}
