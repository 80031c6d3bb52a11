/** `lablambda:editor`: what `%%lambda` cells look like while they are written. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { EditorExtensionRegistry, IEditorExtensionRegistry } from '@jupyterlab/codemirror';

import { highlighting } from './highlight';

export const editor: JupyterFrontEndPlugin<void> = {
  id: 'lablambda:editor',
  description: 'Cells of functions in their own languages.',
  autoStart: true,
  requires: [IEditorExtensionRegistry],
  activate: (_: JupyterFrontEnd, editors: IEditorExtensionRegistry) => {
    editors.addExtension({
      name: 'lablambda:highlighting',
      factory: ({ inline, model }) =>
        inline ? EditorExtensionRegistry.createImmutableExtension(highlighting(model.sharedModel.getSource())) : null
    });
  }
};
