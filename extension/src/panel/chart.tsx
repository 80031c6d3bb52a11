/** A chart of uPlot's, in the colours of JupyterLab's theme. */

import { useEffect, useRef } from 'react';
import uPlot from 'uplot';

export interface Series {
  readonly label: string;
  /** A CSS variable of JupyterLab's. */
  readonly colour: string;
  readonly bars?: boolean;
}

interface Props {
  readonly title: string;
  readonly unit: string;
  readonly series: readonly Series[];
  /** Seconds since 1970, then the values of each series. */
  readonly data: uPlot.AlignedData;
  /** What it shows, in words. */
  readonly words: string;
}

const HEIGHT = 110;

export function Chart({ title, unit, series, data, words }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  useEffect(() => {
    const host = place.current;
    if (host === null) {
      return;
    }
    const made = new uPlot(options(host, unit, series), data, host);
    plot.current = made;
    const resized = new ResizeObserver(() => {
      made.setSize({ width: host.clientWidth, height: HEIGHT });
    });
    resized.observe(host);
    return () => {
      resized.disconnect();
      made.destroy();
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- made once; what changes later is its data, below
  }, []);
  useEffect(() => {
    plot.current?.setData(data);
  }, [data]);
  return (
    <figure className="lablambda-chart" role="img" aria-label={`${title}: ${words}`}>
      <figcaption>
        {title}
        <span className="lablambda-key" aria-hidden="true">
          {series.map(({ label, colour }) => (
            <span key={label}>
              <i style={{ background: `var(${colour})` }} /> {label}
            </span>
          ))}
        </span>
      </figcaption>
      <div ref={place} aria-hidden="true" />
    </figure>
  );
}

function options(host: HTMLElement, unit: string, series: readonly Series[]): uPlot.Options {
  const colour = (name: string) => () => getComputedStyle(host).getPropertyValue(name).trim();
  const axis: uPlot.Axis = {
    stroke: colour('--jp-ui-font-color2'),
    grid: { stroke: colour('--jp-border-color2'), width: 1 },
    ticks: { show: false },
    font: '10px sans-serif'
  };
  return {
    width: host.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    padding: [6, 4, 0, 0],
    scales: { y: { range: (_, __, most) => [0, Math.max(most, 1)] } },
    axes: [
      { ...axis, size: 20, space: 50, values: (_, moments) => moments.map(clock) },
      { ...axis, size: 44, space: 24, values: (_, values) => values.map(value => `${value}${unit}`) }
    ],
    series: [
      {},
      ...(series.map(each => ({
        label: each.label,
        stroke: colour(each.colour),
        fill: each.bars === true ? colour(each.colour) : undefined,
        width: each.bars === true ? 0 : 1.5,
        points: { show: false },
        spanGaps: true,
        ...(each.bars === true && uPlot.paths.bars ? { paths: uPlot.paths.bars({ size: [0.8] }) } : {})
      })) as uPlot.Series[])
    ]
  };
}

function clock(at: number): string {
  return new Date(at * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
}
