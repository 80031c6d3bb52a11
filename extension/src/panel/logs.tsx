/** A function's log as it is written, its last lines first loaded from the lab. */

import { useLayoutEffect, useRef, useState } from 'react';

import type { FunctionModel } from '../lab/function';
import { filtered } from './loglines';
import type { Place } from './place';

const NEAR_PX = 24;

export function Logs({ place, of }: { place: Place; of: FunctionModel }) {
  const box = useRef<HTMLDivElement>(null);
  const [follows, setFollows] = useState(true);
  const lines = filtered(of.lines.all, place.filter);
  useLayoutEffect(() => {
    if (follows && box.current !== null) {
      box.current.scrollTop = box.current.scrollHeight;
    }
  });
  return (
    <div className="lablambda-logs">
      <div className="lablambda-row">
        <input
          type="search"
          aria-label="Filter the log"
          placeholder="Filter, for example by request id"
          value={place.filter}
          onChange={event => {
            place.go(of.name, 'Logs', event.target.value);
          }}
        />
        <label>
          <input
            type="checkbox"
            checked={follows}
            onChange={event => {
              setFollows(event.target.checked);
            }}
          />{' '}
          follow
        </label>
      </div>
      <div
        className="lablambda-log"
        role="log"
        aria-live="off"
        aria-label={`Log of ${of.name}`}
        tabIndex={0}
        ref={box}
        onScroll={event => {
          const { scrollTop, clientHeight, scrollHeight } = event.currentTarget;
          setFollows(scrollTop + clientHeight >= scrollHeight - NEAR_PX);
        }}
      >
        {lines.length === 0 && (
          <p className="lablambda-hint">{place.filter === '' ? 'No lines yet.' : 'No line has that.'}</p>
        )}
        {lines.map((line, index) => (
          <div key={index} className={kind(line.message)}>
            {line.message.trimEnd()}
          </div>
        ))}
      </div>
    </div>
  );
}

function kind(message: string): string {
  if (/^(START|END|REPORT|INIT_)/.test(message)) {
    return 'lablambda-platform';
  }
  return /\b(ERROR|Error|Exception|Task timed out)\b/.test(message) ? 'lablambda-error' : '';
}
