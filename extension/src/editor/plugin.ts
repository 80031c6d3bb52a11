/** `lablambda:editor`: what `%%lambda` cells look like while they are written. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { EditorExtensionRegistry, IEditorExtensionRegistry } from '@jupyterlab/codemirror';
import { ICompletionProviderManager } from '@jupyterlab/completer';
import { ISettingRegistry } from '@jupyterlab/settingregistry';

import { COMMANDS } from '../commands/names';
import { ILab } from '../lab/lab';
import { badges } from './badges';
import { MagicLineCompletion } from './completion';
import { highlighting } from './highlight';

const ID = 'lablambda:editor';

export const editor: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Cells of functions: their own languages, completion, and what has become of them.',
  autoStart: true,
  requires: [IEditorExtensionRegistry],
  optional: [ILab, ICompletionProviderManager, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    editors: IEditorExtensionRegistry,
    lab: ILab | null,
    completion: ICompletionProviderManager | null,
    registry: ISettingRegistry | null
  ) => {
    editors.addExtension({
      name: 'lablambda:highlighting',
      factory: ({ inline, model }) =>
        inline ? EditorExtensionRegistry.createImmutableExtension(highlighting(model.sharedModel.getSource())) : null
    });
    if (lab !== null) {
      editors.addExtension({
        name: 'lablambda:badge',
        factory: ({ inline, model }) =>
          inline
            ? EditorExtensionRegistry.createImmutableExtension(
                badges(model, lab, name => void app.commands.execute(COMMANDS.open, { name }))
              )
            : null
      });
    }
    completion?.registerProvider(new MagicLineCompletion(lab));
    void registry?.load(ID).then(settings => {
      const apply = () => document.body.classList.toggle('lablambda-no-badges', settings.composite.badges === false);
      settings.changed.connect(apply);
      apply();
    });
  }
};
