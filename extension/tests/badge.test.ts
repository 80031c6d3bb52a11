import { describe, expect, it } from 'vitest';

import { badge, type Deployed, deployedIn } from '../src/editor/badge';
import { fingerprint } from '../src/editor/cell';
import { FunctionModel } from '../src/lab/function';

const CELL = '%%lambda f\ndef handler(event, context): return 1';
const SHA = 'abc=';
const DEPLOYED: Deployed = { name: 'f', cell: fingerprint(CELL) ?? '', code_sha256: SHA };

function inLab(more: { running?: number; sha?: string; status?: string; state?: string } = {}): FunctionModel {
  const configuration = {
    FunctionName: 'f',
    CodeSha256: more.sha ?? SHA,
    State: more.state ?? 'Active',
    StateReason: 'why'
  };
  const made = new FunctionModel({ configuration, last_version: 0, aliases: [], reserved: null, provisioned: 0 });
  made.running = more.running ?? 0;
  if (more.status !== undefined) {
    made.finished.add([{ status: more.status } as never]);
  }
  return made;
}

describe('a cell', () => {
  it.each([
    ['is deployed', CELL, DEPLOYED, inLab(), 'deployed'],
    ['was invoked well', CELL, DEPLOYED, inLab({ status: 'success' }), 'deployed'],
    ['fails', CELL, DEPLOYED, inLab({ status: 'timeout' }), 'failing'],
    ["couldn't be made ready", CELL, DEPLOYED, inLab({ state: 'Failed' }), 'failing'],
    ['runs, whatever else', `${CELL} # new`, null, inLab({ running: 2 }), 'running'],
    ['has changed', `${CELL} # new`, DEPLOYED, inLab(), 'changed'],
    ['was replaced from elsewhere', CELL, DEPLOYED, inLab({ sha: 'def=' }), 'changed'],
    ['has gone from the lab', CELL, DEPLOYED, undefined, 'missing'],
    ['has changed, as far as can be told without a lab', `${CELL} # new`, DEPLOYED, null, 'changed']
  ])('%s', (_, text, deployed, found, kind) => {
    expect(badge(text, deployed, found)?.kind).toBe(kind);
  });

  it.each([
    ['is none of ours', 'x = 1', null, inLab()],
    ['has no name yet', '%%lambda', DEPLOYED, inLab()],
    ['was never deployed here', CELL, null, inLab()],
    ['was deployed by another name', CELL.replace(' f', ' g'), DEPLOYED, inLab()],
    ['has no lab to ask', CELL, DEPLOYED, null]
  ])('says nothing if it %s', (_, text, deployed, found) => {
    expect(badge(text, deployed, found)).toBeNull();
  });
});

it('is known by what its output tells, but not by a dry run', () => {
  const output = (kind: string, verdict: string) => ({
    data: { 'application/vnd.lablambda.v1+json': { kind, data: { ...DEPLOYED, verdict } } }
  });
  expect(deployedIn([{ data: {} }, {}, output('deployed', 'created')])).toMatchObject(DEPLOYED);
  expect(deployedIn([output('deployed', 'planned'), output('result', '')])).toBeNull();
  expect(deployedIn([])).toBeNull();
});
