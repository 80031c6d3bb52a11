/** A function's test event, and what the function makes of it. */

import { useEffect, useState } from 'react';

import type { Lab } from '../lab/lab';
import type { Answer } from '../lab/requests';
import { invoke, replay } from './invoking';
import type { Place } from './place';

type Samples = Readonly<Record<string, unknown>>;

export function Test({ lab, place, name }: { lab: Lab; place: Place; name: string }) {
  const { event, running, answer, problem } = place.trial(name);
  return (
    <div className="lablambda-test">
      <SampleChoice
        lab={lab}
        choose={sample => {
          place.change(name, { event: JSON.stringify(sample, null, 2) });
        }}
      />
      <textarea
        aria-label="Test event, in JSON"
        spellCheck={false}
        rows={Math.min(16, Math.max(4, event.split('\n').length))}
        value={event}
        onChange={change => {
          place.change(name, { event: change.target.value });
        }}
        onKeyDown={key => {
          if (key.key === 'Enter' && (key.ctrlKey || key.metaKey)) {
            key.preventDefault();
            void invoke(lab, place, name);
          }
        }}
      />
      <div className="lablambda-buttons">
        <button
          className="lablambda-primary"
          disabled={running}
          title="Control+Enter in the event does the same"
          onClick={() => {
            void invoke(lab, place, name);
          }}
        >
          {running ? 'Running …' : 'Invoke'}
        </button>
        <button
          disabled={running}
          title="Invoke it with the last event that it had"
          onClick={() => {
            void replay(lab, place, name);
          }}
        >
          Replay the last event
        </button>
      </div>
      <div aria-live="polite">
        {problem !== '' && <pre className="lablambda-error">{problem}</pre>}
        {answer !== null && <Outcome answer={answer} />}
      </div>
    </div>
  );
}

function SampleChoice({ lab, choose }: { lab: Lab; choose: (sample: unknown) => void }) {
  const [samples, setSamples] = useState<Samples>({});
  useEffect(() => {
    lab.requests.samples().then(setSamples, () => undefined); // without the lab there is nothing to try either
  }, [lab.requests]);
  return (
    <select
      aria-label="Sample events"
      value=""
      onChange={change => {
        choose(samples[change.target.value]);
      }}
    >
      <option value="" disabled>
        Sample event …
      </option>
      {Object.keys(samples).map(kind => (
        <option key={kind}>{kind}</option>
      ))}
    </select>
  );
}

function Outcome({ answer }: { answer: Answer }) {
  return (
    <>
      <pre className={answer.failed ? 'lablambda-error' : 'lablambda-answer'}>{answer.payload || 'no answer'}</pre>
      <p className="lablambda-figures">{figures(answer.report)}</p>
      <details>
        <summary>log</summary>
        <pre>{answer.log}</pre>
      </details>
    </>
  );
}

/** The REPORT line without the request id. */
function figures(report: string): string {
  return report
    .split('\t')
    .slice(1)
    .map(part => part.trim())
    .filter(Boolean)
    .join(', ');
}
