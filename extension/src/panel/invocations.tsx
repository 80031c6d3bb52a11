/** The invocations of a function, newest first, as a waterfall. */

import { useEffect, useState } from 'react';

import type { Finished, Started } from '../lab/events';
import type { FunctionModel } from '../lab/function';
import type { Lab } from '../lab/lab';
import { Invocation } from './invocation';
import type { Place } from './place';
import { bar, total } from './waterfall';
import { milliseconds, time } from './words';

const SHOWN = 50;

export function Invocations({ lab, place, of }: { lab: Lab; place: Place; of: FunctionModel }) {
  const [open, setOpen] = useState('');
  const rows = of.finished.all.slice(-SHOWN).reverse();
  if (rows.length === 0 && of.underWay.length === 0) {
    return <p className="lablambda-hint">It hasn’t been invoked yet. The tab Test does.</p>;
  }
  const longest = Math.max(...rows.map(row => total(bar(row))));
  return (
    <>
      <p className="lablambda-legend" aria-hidden="true">
        <i className="lablambda-queue" /> queue <i className="lablambda-init" /> init{' '}
        <i className="lablambda-handler" /> handler
      </p>
      <ol className="lablambda-invocations" aria-label={`Invocations of ${of.name}, newest first`}>
        {of.underWay.map(row => (
          <UnderWay key={`started ${row.request_id}`} row={row} />
        ))}
        {rows.map(row => (
          <Invocation
            key={key(row)}
            {...{ lab, place, row, longest }}
            open={open === key(row)}
            toggle={() => {
              setOpen(open === key(row) ? '' : key(row));
            }}
          />
        ))}
      </ol>
    </>
  );
}

function key(row: Finished): string {
  return `${row.request_id} ${row.started}`; // one that is tried again keeps its request id
}

function UnderWay({ row }: { row: Started }) {
  const [now, setNow] = useState(() => Date.now() / 1000);
  useEffect(() => {
    const timer = setInterval(() => {
      setNow(Date.now() / 1000);
    }, 100);
    return () => {
      clearInterval(timer);
    };
  }, []);
  return (
    <li className="lablambda-underway">
      <span className="lablambda-time">{time(row.at)}</span>
      <span className="lablambda-bar" />
      <span className="lablambda-duration">{milliseconds(Math.max(0, now - row.at) * 1000)}</span>
    </li>
  );
}
