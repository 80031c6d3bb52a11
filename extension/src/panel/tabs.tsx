/** Tabs as the ARIA practices have them: arrows move, one of them is in the order of Tab. */

import type { KeyboardEvent, ReactNode } from 'react';
import { useRef } from 'react';

interface Props<T extends string> {
  readonly label: string;
  readonly tabs: readonly T[];
  readonly current: T;
  readonly choose: (tab: T) => void;
  readonly children: ReactNode;
}

export function Tabs<T extends string>({ label, tabs, current, choose, children }: Props<T>) {
  const list = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent) => {
    const steps: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, Home: -tabs.length, End: tabs.length };
    const step = steps[event.key];
    if (step === undefined) {
      return;
    }
    event.preventDefault();
    const at = tabs.indexOf(current) + step;
    const next = Math.abs(step) === 1 ? (at + tabs.length) % tabs.length : Math.min(Math.max(at, 0), tabs.length - 1);
    choose(tabs[next] ?? current);
    list.current?.querySelectorAll<HTMLElement>('[role=tab]')[next]?.focus();
  };
  return (
    <>
      <div className="lablambda-tabs" role="tablist" aria-label={label} ref={list} onKeyDown={move}>
        {tabs.map(tab => (
          <button
            key={tab}
            role="tab"
            id={`lablambda-tab-${tab}`}
            aria-selected={tab === current}
            aria-controls="lablambda-tabpanel"
            tabIndex={tab === current ? 0 : -1}
            onClick={() => {
              choose(tab);
            }}
          >
            {tab}
          </button>
        ))}
      </div>
      <div
        className="lablambda-tabpanel"
        role="tabpanel"
        id="lablambda-tabpanel"
        aria-labelledby={`lablambda-tab-${current}`}
      >
        {children}
      </div>
    </>
  );
}
