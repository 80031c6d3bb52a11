/** CodeMirror's support for the languages of cells, the magic line apart. */

import { java } from '@codemirror/lang-java';
import { javascript } from '@codemirror/lang-javascript';
import { python } from '@codemirror/lang-python';
import { LanguageSupport, StreamLanguage } from '@codemirror/language';
import { shell } from '@codemirror/legacy-modes/mode/shell';

import type { Language } from './cell';
import { belowTheMagicLine } from './parser';

const SUPPORT: Record<Language, () => LanguageSupport> = {
  python,
  javascript,
  java,
  shell: () => new LanguageSupport(StreamLanguage.define(shell))
};
const made = new Map<Language, LanguageSupport>();

/** Made when a cell first wants it. */
export function support(language: Language): LanguageSupport {
  let found = made.get(language);
  if (found === undefined) {
    const body = SUPPORT[language]();
    found = new LanguageSupport(belowTheMagicLine(body.language), body.support);
    made.set(language, found);
  }
  return found;
}
