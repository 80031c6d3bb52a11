/** `lablambda:commands`: what the toolbars and the palette do with the cells of a notebook. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import type { Cell } from '@jupyterlab/cells';
import { INotebookTracker, NotebookActions } from '@jupyterlab/notebook';
import { runIcon } from '@jupyterlab/ui-components';

import { header } from '../editor/cell';
import { lambdaIcon, logIcon } from '../icons';
import { COMMANDS } from './names';

export const commands: JupyterFrontEndPlugin<void> = {
  id: 'lablambda:commands',
  description: 'Deploys the functions of a notebook, and shows them in the panel.',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [ICommandPalette],
  activate: (app: JupyterFrontEnd, tracker: INotebookTracker, palette: ICommandPalette | null) => {
    const { commands } = app;
    const name = () => functionOf(tracker.activeCell);
    const isCell = () => name() !== '';
    commands.addCommand(COMMANDS.deployCell, {
      label: 'Deploy cell',
      caption: 'Deploy the function of this cell',
      icon: lambdaIcon,
      isEnabled: isCell,
      isVisible: isCell,
      execute: () => commands.execute('notebook:run-cell')
    });
    commands.addCommand(COMMANDS.deployAll, {
      label: 'Deploy all functions',
      caption: 'Run every %%lambda cell of this notebook',
      icon: lambdaIcon,
      isEnabled: () => lambdaCells(tracker).length > 0,
      execute: () => deployAll(tracker)
    });
    commands.addCommand(COMMANDS.invoke, {
      label: 'Invoke function',
      caption: 'Invoke the function of this cell with its test event',
      icon: runIcon,
      isEnabled: isCell,
      isVisible: isCell,
      execute: () => commands.execute(COMMANDS.open, { name: name(), tab: 'Test', invoke: true })
    });
    commands.addCommand(COMMANDS.logs, {
      label: 'Open logs of function',
      caption: 'Show the log of this cell’s function',
      icon: logIcon,
      isEnabled: isCell,
      isVisible: isCell,
      execute: () => commands.execute(COMMANDS.open, { name: name(), tab: 'Logs' })
    });
    const changed = () => {
      for (const id of [COMMANDS.deployCell, COMMANDS.deployAll, COMMANDS.invoke, COMMANDS.logs]) {
        commands.notifyCommandChanged(id);
      }
    };
    followText(tracker, changed);
    for (const command of [COMMANDS.deployCell, COMMANDS.deployAll, COMMANDS.invoke, COMMANDS.logs]) {
      palette?.addItem({ command, category: 'Lambda' });
    }
  }
};

/** Calls back when another cell becomes the active one, or its text changes. */
function followText(tracker: INotebookTracker, changed: () => void): void {
  let followed: Cell | null = null;
  tracker.activeCellChanged.connect((_, cell) => {
    if (followed !== null && !followed.isDisposed) {
      followed.model.sharedModel.changed.disconnect(changed);
    }
    followed = cell;
    cell?.model.sharedModel.changed.connect(changed);
    changed();
  });
}

/** The name of a cell's function; empty if it is none. */
function functionOf(cell: Cell | null): string {
  return cell?.model.type === 'code' ? (header(cell.model.sharedModel.getSource())?.name ?? '') : '';
}

function lambdaCells(tracker: INotebookTracker): readonly Cell[] {
  return tracker.currentWidget?.content.widgets.filter(cell => functionOf(cell) !== '') ?? [];
}

async function deployAll(tracker: INotebookTracker): Promise<void> {
  const panel = tracker.currentWidget;
  if (panel !== null) {
    await NotebookActions.runCells(panel.content, lambdaCells(tracker), panel.sessionContext);
  }
}
