/** Gives a `%%lambda` cell its own language while it is one; other cells keep theirs. */

import type { EditorState, Extension, Transaction } from '@codemirror/state';
import { Compartment, EditorState as State, Prec } from '@codemirror/state';

import { header, type Language } from './cell';
import { support } from './languages';

/** For one editor whose text is at first `text`. */
export function highlighting(text: string): Extension {
  const language = new Compartment();
  let current = header(text)?.language ?? null;

  function change(transaction: Transaction) {
    const wanted = transaction.docChanged ? languageIn(transaction.newDoc) : current;
    if (wanted === current) {
      return null;
    }
    current = wanted;
    return { effects: language.reconfigure(extension(wanted)) };
  }

  return [Prec.highest(language.of(extension(current))), State.transactionExtender.of(change)];
}

function extension(language: Language | null): Extension {
  return language === null ? [] : support(language);
}

function languageIn(document: EditorState['doc']): Language | null {
  return header(document.sliceString(0, Math.min(document.length, 2_000)))?.language ?? null;
}
