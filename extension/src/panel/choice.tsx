/** Which lab is looked at, and whether it is there. */

import { useCallback, useEffect, useState } from 'react';

import type { Lab } from '../lab/lab';

const WORDS = { connecting: 'connecting …', here: 'running', absent: 'not running' } as const;
const KINDS = { connecting: 'changing', here: 'good', absent: 'off' } as const;

export function LabChoice({ lab }: { lab: Lab }) {
  const { presence } = lab.model;
  const [others, setOthers] = useState<readonly string[]>([]);
  const { requests } = lab;
  const look = useCallback(() => {
    requests.labs().then(
      ({ labs }) => {
        setOthers(labs.filter(name => name !== requests.lab));
      },
      () => {
        setOthers([]);
      }
    );
  }, [requests]);
  useEffect(look, [look, presence]);
  return (
    <div className="lablambda-head">
      <span className={`lablambda-dot lablambda-${KINDS[presence]}`} aria-hidden="true" />
      {others.length === 0 ? (
        <h2>{lab.name}</h2>
      ) : (
        <select
          aria-label="Lab"
          value={lab.name}
          onFocus={look}
          onChange={event => {
            lab.look(event.target.value);
          }}
        >
          {[lab.name, ...others].sort().map(name => (
            <option key={name}>{name}</option>
          ))}
        </select>
      )}
      <span className="lablambda-hint">{WORDS[presence]}</span>
    </div>
  );
}
