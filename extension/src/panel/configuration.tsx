/** How a function is configured, where it is reached, and its end. */

import { Dialog, showDialog } from '@jupyterlab/apputils';
import { useEffect } from 'react';

import type { FunctionModel } from '../lab/function';
import type { Lab } from '../lab/lab';
import type { Endpoint } from '../lab/requests';
import { CopyButton } from './copy';
import { Facts } from './facts';
import type { Place } from './place';
import { bytes } from './words';

export function Configuration({ lab, place, of }: { lab: Lab; place: Place; of: FunctionModel }) {
  useEffect(() => {
    void lab.surroundings.ask(of.name);
  }, [lab, of.name]);
  const around = lab.surroundings.of(of.name);
  return (
    <>
      <h3>Addresses</h3>
      {around?.endpoints.map(each => (
        <Address key={each.route} of={each} />
      ))}
      {around?.endpoints.length === 0 && (
        <p className="lablambda-hint">
          None. <code>--url</code> or <code>--route</code> gives it one.
        </p>
      )}
      <h3>Sources</h3>
      <p className="lablambda-hint">
        {around === null ? '…' : around.sources.join(', ') || 'None: it is only invoked.'}
      </p>
      <h3>Settings</h3>
      <Facts values={settings(of)} />
      <div className="lablambda-buttons">
        <button
          className="lablambda-danger"
          onClick={() => {
            void remove(lab, place, of.name);
          }}
        >
          Delete
        </button>
      </div>
    </>
  );
}

function Address({ of }: { of: Endpoint }) {
  return (
    <div className="lablambda-address">
      <b>{of.route}</b>
      {of.auth !== 'NONE' && <span className="lablambda-hint"> {of.auth}</span>}
      <div className="lablambda-row">
        {of.link === '' ? (
          <code>{of.in_browser}</code>
        ) : (
          <a href={of.link} target="_blank" rel="noopener">
            {of.in_browser}
          </a>
        )}
        <CopyButton what={`the address of ${of.route}`} text={new URL(of.in_browser, location.origin).href} />
      </div>
      {of.curl !== '' && (
        <div className="lablambda-row">
          <code>{of.curl}</code>
          <CopyButton what={`the curl line of ${of.route}`} text={of.curl} />
        </div>
      )}
    </div>
  );
}

function settings({ seen }: FunctionModel): [string, string][] {
  const c = seen.configuration as Record<string, never>;
  const environment = (c.Environment as { Variables?: Record<string, string> } | undefined)?.Variables ?? {};
  const layers = (c.Layers as { Arn: string }[] | undefined) ?? [];
  return [
    ['runtime', String(c.Runtime)],
    ['handler', String(c.Handler)],
    ['memory', `${c.MemorySize} MB`],
    ['timeout', `${c.Timeout} s`],
    ['code', bytes(Number(c.CodeSize))],
    ['last changed', String(c.LastModified).slice(0, 19).replace('T', ' ')],
    ['last version', seen.last_version === 0 ? 'none published' : String(seen.last_version)],
    ['aliases', seen.aliases.join(', ')],
    ['reserved concurrency', seen.reserved === null ? '' : String(seen.reserved)],
    ['provisioned concurrency', seen.provisioned === 0 ? '' : String(seen.provisioned)],
    ['layers', layers.map(layer => layer.Arn.split(':').slice(6).join(':')).join(', ')],
    [
      'environment',
      Object.entries(environment)
        .map(([name, value]) => `${name}=${value}`)
        .join('\n')
    ],
    ['ARN', String(c.FunctionArn)]
  ];
}

async function remove(lab: Lab, place: Place, name: string): Promise<void> {
  const { button } = await showDialog({
    title: `Delete ${name}?`,
    body: 'Its code, versions and aliases go; its logs stay. Running its cell makes it again.',
    buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: 'Delete' })]
  });
  if (button.accept) {
    await lab.requests.delete(name);
    place.go(null);
  }
}
