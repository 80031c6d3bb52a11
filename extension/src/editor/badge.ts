/** What has become of a cell's function, decided without a notebook around. */

import type { FunctionModel } from '../lab/function';
import { fingerprint, header } from './cell';

/** What a cell's output says of its last deployment. */
export interface Deployed {
  readonly name: string;
  readonly cell: string;
  readonly code_sha256: string;
}

export interface Badge {
  readonly kind: 'running' | 'deployed' | 'failing' | 'changed' | 'missing';
  readonly name: string;
  readonly label: string;
  readonly words: string;
}

const MIME = 'application/vnd.lablambda.v1+json';

/** The deployment that outputs tell of; null if there is none. */
export function deployedIn(outputs: readonly unknown[]): Deployed | null {
  for (const output of outputs as { data?: Record<string, unknown> }[]) {
    const told = output.data?.[MIME] as { kind: string; data: Deployed & { verdict: string } } | undefined;
    if (told?.kind === 'deployed' && told.data.verdict !== 'planned') {
      return told.data;
    }
  }
  return null;
}

/** `found` is the function of the cell's name, undefined if the lab has none, null if there is no lab to ask. */
export function badge(text: string, deployed: Deployed | null, found: FunctionModel | undefined | null): Badge | null {
  const name = header(text)?.name ?? '';
  const made = (kind: Badge['kind'], label: string, words: string) => ({ kind, name, label, words });
  if (name === '') {
    return null;
  }
  if (found && found.running > 0) {
    return made('running', `${found.running} running`, `${name} is running`);
  }
  if (deployed?.name !== name) {
    return null; // whether the lab has this very cell can't be told
  }
  if (found === undefined) {
    return made('missing', 'not in the lab', `The lab has no function ${name} any more: run the cell`);
  }
  if (deployed.cell !== fingerprint(text)) {
    return made('changed', 'changed', 'The cell has changed since it was deployed: run it');
  }
  if (found === null) {
    return null;
  }
  if (found.codeSha256 !== deployed.code_sha256) {
    return made('changed', 'replaced', `${name} was deployed from elsewhere since`);
  }
  if (found.state === 'Failed') {
    return made('failing', 'failed', found.reason);
  }
  return found.failing
    ? made('failing', 'failing', `The last invocation of ${name} failed`)
    : made('deployed', 'deployed', `${name} is in the lab as it stands here`);
}
