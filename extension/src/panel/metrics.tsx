/** A function's figures: the last minutes as they happen, or the last hours. */

import { useEffect, useMemo, useState } from 'react';
import type uPlot from 'uplot';

import type { FunctionModel } from '../lab/function';
import type { Lab } from '../lab/lab';
import type { Figures } from '../lab/requests';
import type { Second } from '../lab/seconds';
import { Chart, type Series } from './chart';
import { dollars, milliseconds, plural } from './words';

const COUNTS: readonly Series[] = [
  { label: 'invocations', colour: '--jp-brand-color1', bars: true },
  { label: 'errors', colour: '--jp-error-color1', bars: true }
];
const DURATION: readonly Series[] = [{ label: 'longest', colour: '--jp-brand-color1' }];
const CONCURRENCY: readonly Series[] = [{ label: 'at once', colour: '--jp-success-color1' }];
const SPANS = { 'last 5 minutes': 0, 'last 3 hours': 3, 'last day': 24, 'last week': 168 } as const;
type Span = keyof typeof SPANS;

export function Metrics({ lab, of }: { lab: Lab; of: FunctionModel }) {
  const [span, setSpan] = useState<Span>('last 5 minutes');
  return (
    <>
      <select
        aria-label="Time that is shown"
        value={span}
        onChange={event => {
          setSpan(event.target.value as Span);
        }}
      >
        {Object.keys(SPANS).map(name => (
          <option key={name}>{name}</option>
        ))}
      </select>
      {SPANS[span] === 0 ? <Live of={of} /> : <Past key={span} lab={lab} name={of.name} hours={SPANS[span]} />}
    </>
  );
}

function Live({ of }: { of: FunctionModel }) {
  const [now, setNow] = useState(() => Date.now() / 1000);
  useEffect(() => {
    const timer = setInterval(() => {
      setNow(Date.now() / 1000);
    }, 1_000);
    return () => {
      clearInterval(timer);
    };
  }, []);
  const seconds = of.seconds.upTo(now);
  const sum = (member: 'invocations' | 'errors' | 'throttles') => seconds.reduce((all, each) => all + each[member], 0);
  const longest = Math.max(0, ...seconds.map(each => each.longest ?? 0));
  const most = Math.max(0, ...seconds.map(each => each.running));
  return (
    <>
      <p className="lablambda-figures">
        {plural(sum('invocations'), 'invocation')}, {plural(sum('errors'), 'error')},{' '}
        {plural(sum('throttles'), 'throttle')}
      </p>
      <Chart
        title="Invocations a second"
        unit=""
        series={COUNTS}
        data={columns(
          seconds,
          each => each.invocations,
          each => each.errors
        )}
        words={`${plural(sum('invocations'), 'invocation')}, ${plural(sum('errors'), 'error')}`}
      />
      <Chart
        title="Duration"
        unit=" ms"
        series={DURATION}
        data={columns(seconds, each => each.longest)}
        words={`the longest took ${milliseconds(longest)}`}
      />
      <Chart
        title="Concurrency"
        unit=""
        series={CONCURRENCY}
        data={columns(seconds, each => each.running)}
        words={`${most} at once at most`}
      />
    </>
  );
}

function columns(seconds: Second[], ...values: ((each: Second) => number | null)[]): uPlot.AlignedData {
  return [seconds.map(each => each.at), ...values.map(value => seconds.map(value))] as uPlot.AlignedData;
}

function Past({ lab, name, hours }: { lab: Lab; name: string; hours: number }) {
  const [figures, setFigures] = useState<Figures | null>(null);
  const [problem, setProblem] = useState('');
  useEffect(() => {
    lab.requests.figures(name, hours).then(setFigures, (error: unknown) => {
      setProblem((error as Error).message);
    });
  }, [lab, name, hours]);
  const data = useMemo(() => (figures === null ? null : parts(figures)), [figures]);
  if (figures === null || data === null) {
    return <p className="lablambda-hint">{problem || 'Reckoning …'}</p>;
  }
  const counts = `${plural(figures.invocations, 'invocation')}, ${plural(figures.errors, 'error')}`;
  return (
    <>
      <p className="lablambda-figures">
        {counts}, {plural(figures.throttles, 'throttle')}, {figures.concurrency} at once at most
        <br />
        {Object.entries(figures.duration_ms)
          .map(([which, ms]) => `${which} ${milliseconds(ms)}`)
          .join(', ')}
        <br />
        {dollars(figures.cost)} on AWS, before free tier
      </p>
      <Chart title="Invocations" unit="" series={COUNTS} data={data} words={counts} />
    </>
  );
}

function parts({ hours, invocations_by_part, errors_by_part }: Figures): uPlot.AlignedData {
  const length = (hours * 3600) / invocations_by_part.length;
  const start = Date.now() / 1000 - hours * 3600;
  return [invocations_by_part.map((_, index) => start + index * length), [...invocations_by_part], [...errors_by_part]];
}
