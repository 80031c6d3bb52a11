/** Completes the magic line, also while the kernel is busy. */

import type { CompletionHandler, ICompletionContext, ICompletionProvider } from '@jupyterlab/completer';

import type { Lab } from '../lab/lab';
import { candidates } from './words';

export class MagicLineCompletion implements ICompletionProvider {
  readonly identifier = 'lablambda:magic-line';
  readonly rank = 1_100; // before the kernel's own
  readonly renderer = null;

  constructor(private readonly lab: Lab | null) {}

  isApplicable({ editor }: ICompletionContext): Promise<boolean> {
    const text = editor?.model.sharedModel.getSource() ?? '';
    const offset = editor?.getOffsetAt(editor.getCursorPosition()) ?? 0;
    return Promise.resolve(candidates(text.slice(0, offset), []) !== null);
  }

  fetch({ text, offset }: CompletionHandler.IRequest): Promise<CompletionHandler.ICompletionItemsReply> {
    const names = this.lab?.model.functions.map(each => each.name) ?? [];
    const found = candidates(text.slice(0, offset), names) ?? { start: offset, words: [] };
    const items = found.words.map(word => ({ label: word.text, documentation: word.help, type: 'magic' }));
    return Promise.resolve({ start: found.start, end: offset, items });
  }
}
