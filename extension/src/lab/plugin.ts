/** `lablambda:lab`: the lab, for whoever shows something of it. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { ILab, Lab } from './lab';

export const lab: JupyterFrontEndPlugin<ILab> = {
  id: 'lablambda:lab',
  description: 'Follows the lab of lablambda as it happens.',
  autoStart: true,
  provides: ILab,
  activate: (_: JupyterFrontEnd) => {
    const made = new Lab();
    made.begin().catch((error: unknown) => {
      made.model.absent(`The server extension of lablambda doesn't answer: ${String(error)}`);
    });
    return made;
  }
};
