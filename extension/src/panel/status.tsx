/** The lab itself: what it is doing, its clock, and the processes that it keeps ready. */

import { type FormEvent, useCallback, useEffect, useState } from 'react';

import type { Lab } from '../lab/lab';
import type { Clock, Status } from '../lab/requests';
import { Facts } from './facts';
import { span } from './words';

const EVERY_MS = 3_000;

interface Seen {
  readonly status: Status;
  readonly clock: Clock;
}

export function LabStatus({ lab }: { lab: Lab }) {
  const [seen, setSeen] = useState<Seen | null>(null);
  const [problem, setProblem] = useState('');
  const { requests } = lab;
  const look = useCallback(() => {
    Promise.all([requests.status(), requests.clock()]).then(
      ([status, clock]) => {
        setSeen({ status, clock });
        setProblem('');
      },
      (error: unknown) => {
        setProblem((error as Error).message);
      }
    );
  }, [requests]);
  useEffect(() => {
    look();
    const timer = setInterval(look, EVERY_MS);
    return () => {
      clearInterval(timer);
    };
  }, [look]);
  if (seen === null) {
    return <p className="lablambda-hint">{problem || 'Asking …'}</p>;
  }
  return (
    <>
      <Facts values={facts(seen.status)} />
      <h3>Clock</h3>
      <ClockView
        clock={seen.clock}
        turn={change => {
          requests.clock(change).then(look, (error: unknown) => {
            setProblem((error as Error).message);
          });
        }}
      />
      <p className="lablambda-error" role="alert">
        {problem}
      </p>
      <h3>Kept ready</h3>
      <Facts values={reserves(seen.status)} />
      <h3>Runtimes here</h3>
      <Facts values={Object.entries(seen.status.runtimes).map(([name, runtime]) => [name, runtime.version])} />
    </>
  );
}

function facts(status: Status): [string, string][] {
  return [
    ['lab', `${status.name}, version ${status.version}`],
    ['up for', span(status.uptime_s)],
    ['environments', `${status.environments.total}, ${status.environments.busy} busy`],
    ['invocations', `${status.running} running`],
    ['events', `${status.queue.waiting} waiting, ${status.queue.running} running`],
    ['API', status.endpoint],
    ['data', status.data]
  ];
}

function reserves(status: Status): [string, string][] {
  return Object.entries(status.reserve).map(([family, { processes, memory_mb }]) => [
    family,
    `${processes}, ${memory_mb} MB together`
  ]);
}

function ClockView({ clock, turn }: { clock: Clock; turn: (change: { advance_s?: number; speed?: number }) => void }) {
  const [minutes, setMinutes] = useState('1');
  const advance = (event: FormEvent) => {
    event.preventDefault();
    turn({ advance_s: Number(minutes) * 60 });
  };
  return (
    <>
      <p>
        {new Date(clock.now * 1000).toLocaleString([], { hourCycle: 'h23' })}
        <span className="lablambda-hint">
          {' '}
          {clock.speed === 1 ? 'as the real one' : `${clock.speed} times real time`}
        </span>
      </p>
      <form className="lablambda-row" onSubmit={advance}>
        <label>
          Advance by{' '}
          <input
            type="number"
            min="0"
            step="any"
            required
            value={minutes}
            onChange={event => {
              setMinutes(event.target.value);
            }}
          />{' '}
          minutes
        </label>
        <button type="submit">Advance</button>
      </form>
      <label>
        Speed{' '}
        <select
          value={String(clock.speed)}
          onChange={event => {
            turn({ speed: Number(event.target.value) });
          }}
        >
          {[...new Set([0, 1, 10, 60, 3600, clock.speed])].map(speed => (
            <option key={speed} value={speed}>
              {speed === 0 ? 'stopped' : `${speed} ×`}
            </option>
          ))}
        </select>
      </label>
    </>
  );
}
