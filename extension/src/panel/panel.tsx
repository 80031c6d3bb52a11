/** The side panel: the functions of a lab, one of them, or the lab itself. */

import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { useState } from 'react';

import type { Lab } from '../lab/lab';
import { lambdaIcon } from '../icons';
import { FunctionView } from './function';
import { Functions } from './functions';
import { LabChoice } from './choice';
import type { Place } from './place';
import { LabStatus } from './status';
import { Tabs } from './tabs';

export class LambdaPanel extends ReactWidget {
  constructor(
    private readonly lab: Lab,
    private readonly place: Place
  ) {
    super();
    this.id = 'lablambda-panel';
    this.title.icon = lambdaIcon;
    this.title.caption = 'Lambda';
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'Lambda');
    this.addClass('lablambda-panel');
  }

  protected override render() {
    const { lab, place } = this;
    return (
      <UseSignal signal={place.changed}>
        {() => (
          <UseSignal signal={lab.surroundings.changed}>
            {() => (
              <UseSignal signal={lab.model.changed}>
                {() => (this.isVisible ? <Content {...{ lab, place }} /> : null)}
              </UseSignal>
            )}
          </UseSignal>
        )}
      </UseSignal>
    );
  }

  protected override onAfterShow(): void {
    this.lab.model.touch(); // nothing was drawn while nobody could see it
  }
}

const OVERVIEW = ['Functions', 'Lab'] as const;

function Content({ lab, place }: { lab: Lab; place: Place }) {
  const [tab, setTab] = useState<(typeof OVERVIEW)[number]>('Functions');
  const { presence, why } = lab.model;
  if (presence === 'absent') {
    return (
      <>
        <LabChoice lab={lab} />
        <Absent lab={lab} why={why} />
      </>
    );
  }
  const of = place.name === null ? undefined : lab.model.find(place.name);
  if (of !== undefined) {
    return <FunctionView key={of.name} {...{ lab, place, of }} />;
  }
  return (
    <>
      <LabChoice lab={lab} />
      <Tabs label="Views of the lab" tabs={OVERVIEW} current={tab} choose={setTab}>
        {tab === 'Functions' ? <Functions {...{ lab, place }} /> : <LabStatus lab={lab} />}
      </Tabs>
    </>
  );
}

function Absent({ lab, why }: { lab: Lab; why: string }) {
  const [state, setState] = useState('');
  return (
    <>
      <p className="lablambda-hint">{why}</p>
      <div className="lablambda-buttons">
        <button
          className="lablambda-primary"
          disabled={state === 'starting'}
          onClick={() => {
            setState('starting');
            lab.requests.start(lab.name).then(
              () => {
                setState('');
              },
              (error: unknown) => {
                setState((error as Error).message);
              }
            );
          }}
        >
          {state === 'starting' ? 'Starting …' : `Start the lab ${lab.name}`}
        </button>
      </div>
      {state !== 'starting' && state !== '' && <pre className="lablambda-error">{state}</pre>}
    </>
  );
}
