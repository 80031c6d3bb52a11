/** The list of functions. */

import type { FunctionModel } from '../lab/function';
import type { Lab } from '../lab/lab';
import type { Place } from './place';
import { plural } from './words';

export function Functions({ lab, place }: { lab: Lab; place: Place }) {
  const { functions } = lab.model;
  if (functions.length === 0) {
    return (
      <p className="lablambda-hint">
        No functions yet. Write a cell that begins with <code>%%lambda NAME</code> and run it.
      </p>
    );
  }
  return (
    <ul className="lablambda-functions" aria-label="Functions">
      {functions.map(each => (
        <li key={each.name}>
          <button
            onClick={() => {
              place.go(each.name);
            }}
          >
            <State of={each} />
            <span className="lablambda-name">{each.name}</span>
            <Busy of={each} />
            <span className="lablambda-facts">
              {facts(each).join(' · ')}
              <Sources lab={lab} name={each.name} />
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function facts({ runtime, seen, environments }: FunctionModel): string[] {
  return [
    runtime,
    seen.last_version === 0 ? '$LATEST' : `version ${seen.last_version}`,
    ...(environments.total > 0 ? [plural(environments.total, 'environment')] : []),
    ...(seen.reserved === null ? [] : [`${seen.reserved} reserved`]),
    ...(seen.provisioned === 0 ? [] : [`${seen.provisioned} provisioned`])
  ];
}

function Sources({ lab, name }: { lab: Lab; name: string }) {
  const sources = lab.surroundings.of(name)?.sources ?? [];
  return sources.length === 0 ? null : <span className="lablambda-sources">{sources.join(', ')}</span>;
}

/** A dot whose colour is said in words too. */
export function State({ of }: { of: FunctionModel }) {
  const [kind, words] = state(of);
  return <span className={`lablambda-dot lablambda-${kind}`} role="img" aria-label={words} title={words} />;
}

function state(of: FunctionModel): [string, string] {
  if (of.state === 'Failed') {
    return ['bad', `Failed. ${of.reason}`];
  }
  if (of.state !== 'Active') {
    return ['changing', of.state];
  }
  if (of.running > 0) {
    return ['running', 'running'];
  }
  return of.failing ? ['bad', 'Active; its last invocation failed'] : ['good', 'Active'];
}

export function Busy({ of }: { of: FunctionModel }) {
  return of.running === 0 ? null : (
    <span className="lablambda-busy" title="invocations at this moment">
      {of.running} running
    </span>
  );
}
