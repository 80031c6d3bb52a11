/** `lablambda:panel`: the side panel. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';

import { COMMANDS } from '../commands/names';
import { lambdaIcon } from '../icons';
import { ILab } from '../lab/lab';
import { invoke } from './invoking';
import { LambdaPanel } from './panel';
import { Place, type Tab, TABS } from './place';

const ID = 'lablambda:panel';
const RANK = 450;

export const panel: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'A panel with the functions of the lab.',
  autoStart: true,
  requires: [ILab],
  optional: [ISettingRegistry, ICommandPalette, ILayoutRestorer],
  activate: async (
    app: JupyterFrontEnd,
    lab: ILab,
    registry: ISettingRegistry | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ) => {
    const place = new Place();
    const widget = new LambdaPanel(lab, place);
    const settings = await registry?.load(ID);
    const side = () => (settings?.composite.side === 'right' ? 'right' : 'left');
    app.shell.add(widget, side(), { rank: RANK, type: 'Lambda' });
    settings?.changed.connect(() => {
      app.shell.add(widget, side(), { rank: RANK, type: 'Lambda' });
    });
    restorer?.add(widget, widget.id);
    app.commands.addCommand(COMMANDS.open, {
      label: 'Show the Lambda panel',
      icon: lambdaIcon,
      execute: async args => {
        app.shell.activateById(widget.id);
        const name = typeof args.name === 'string' ? args.name : null;
        if (name === null) {
          return;
        }
        place.go(name, tabOf(args.tab) ?? 'Invocations');
        if (args.invoke === true) {
          await invoke(lab, place, name);
        }
      }
    });
    palette?.addItem({ command: COMMANDS.open, category: 'Lambda' });
  }
};

function tabOf(name: unknown): Tab | undefined {
  return TABS.find(tab => tab === name);
}
