/** What may stand on a magic line, where the cursor is. */

import { DESTINATIONS, OPTIONS, RUNTIMES, SOURCES } from './options';

export interface Word {
  readonly text: string;
  readonly help: string;
}

/** The words that go on with what is typed; `start` is where that begins. */
export interface Found {
  readonly start: number;
  readonly words: readonly Word[];
}

const OPTION = new Map(OPTIONS.map(option => [option.name, option]));

/** `before` is the text up to the cursor, `names` the functions of the lab. Null outside a `%%lambda` line. */
export function candidates(before: string, names: readonly string[]): Found | null {
  const line = /^\s*%%lambda\s+([^\n]*)$/.exec(before)?.[1];
  if (line === undefined) {
    return null;
  }
  const typed = /\S*$/.exec(line)?.[0] ?? '';
  const words = line
    .slice(0, line.length - typed.length)
    .trim()
    .split(/\s+/)
    .filter(Boolean);
  const fitting = wordsAfter(words, names).filter(word => word.text.startsWith(typed));
  return { start: before.length - typed.length, words: fitting };
}

function wordsAfter(words: readonly string[], names: readonly string[]): readonly Word[] {
  if (words.length === 0) {
    return names.map(text => ({ text, help: 'a function of the lab' }));
  }
  const last = words.at(-1) ?? '';
  switch (last) {
    case '--runtime':
      return RUNTIMES.map(text => ({ text, help: 'a runtime' }));
    case '--on':
      return SOURCES.map(kind => ({ text: `${kind}:`, help: 'a source of events' }));
    case '--on-success':
    case '--on-failure':
      return DESTINATIONS.map(kind => ({ text: `${kind}:`, help: 'a destination' }));
  }
  if ((OPTION.get(last)?.value ?? '') !== '') {
    return [];
  }
  return OPTIONS.map(({ name, value, help }) => ({ text: name, help: value === '' ? help : `${value}: ${help}` }));
}
