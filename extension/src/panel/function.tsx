/** One function's view. */

import { caretLeftIcon } from '@jupyterlab/ui-components';
import { useEffect } from 'react';

import type { FunctionModel } from '../lab/function';
import type { Lab } from '../lab/lab';
import { Configuration } from './configuration';
import { Busy, State } from './functions';
import { Invocations } from './invocations';
import { Logs } from './logs';
import { Metrics } from './metrics';
import { type Place, TABS } from './place';
import { Tabs } from './tabs';
import { Test } from './trial';

const ROWS = 50;
const LINES = 300;

interface Props {
  readonly lab: Lab;
  readonly place: Place;
  readonly of: FunctionModel;
}

export function FunctionView({ lab, place, of }: Props) {
  useEffect(() => {
    if (!of.remembers) {
      void remember(lab, of);
    }
  }, [lab, of]);
  return (
    <>
      <div className="lablambda-head">
        <button
          className="lablambda-icon"
          aria-label="Back to all functions"
          title="Back to all functions"
          onClick={() => {
            place.go(null);
          }}
        >
          <caretLeftIcon.react tag="span" />
        </button>
        <State of={of} />
        <h2>{of.name}</h2>
        <Busy of={of} />
      </div>
      <Tabs
        label={`Views of ${of.name}`}
        tabs={TABS}
        current={place.tab}
        choose={tab => {
          place.go(of.name, tab);
        }}
      >
        <Shown {...{ lab, place, of }} />
      </Tabs>
    </>
  );
}

function Shown({ lab, place, of }: Props) {
  switch (place.tab) {
    case 'Invocations':
      return <Invocations {...{ lab, place, of }} />;
    case 'Logs':
      return <Logs {...{ place, of }} />;
    case 'Metrics':
      return <Metrics {...{ lab, of }} />;
    case 'Test':
      return <Test {...{ lab, place }} name={of.name} />;
    case 'Configuration':
      return <Configuration {...{ lab, place, of }} />;
  }
}

/** What was before the live stream began. */
async function remember(lab: Lab, of: FunctionModel): Promise<void> {
  try {
    const rows = await lab.requests.pastInvocations(of.name, ROWS);
    // A function that never ran has no log group yet.
    of.remember(rows, rows.length === 0 ? [] : await lab.requests.pastLines(of.logGroup, LINES));
  } catch {
    return; // its group was deleted, or the lab has gone; what happens from now on is told anyway
  }
  lab.model.touch();
}
