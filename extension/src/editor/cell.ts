/** What the first line of a `%%lambda` cell says, read without a notebook around. */

export type Language = 'python' | 'javascript' | 'java' | 'shell';

/** `name` is empty while it isn't typed; `end` is where the magic line ends in the text. */
export interface Header {
  readonly name: string;
  readonly runtime: string;
  readonly language: Language;
  readonly line: string;
  readonly end: number;
}

const MAGIC = /^\s*%%lambda(?![^\s])([^\n]*)/;
const RUNTIME = /(?:^|\s)--runtime(?:\s+|=)(\S+)/;
const WORD = /(?:[^\s"']|"[^"]*"|'[^']*')+/;

/** Null if the text isn't a `%%lambda` cell. IPython passes over empty lines before it, so they are allowed. */
export function header(text: string): Header | null {
  const match = MAGIC.exec(text);
  if (match === null) {
    return null;
  }
  const line = (match[1] ?? '').trim();
  const first = WORD.exec(line)?.[0] ?? '';
  const runtime = RUNTIME.exec(line)?.[1] ?? '';
  return {
    name: first.startsWith('-') ? '' : first.replace(/["']/g, ''),
    runtime,
    language: languageOf(runtime),
    line,
    end: match[0].length
  };
}

/** The language in which cells of a runtime are written; Python where none is named. */
export function languageOf(runtime: string): Language {
  if (runtime.startsWith('nodejs')) {
    return 'javascript';
  }
  if (runtime.startsWith('java')) {
    return 'java';
  }
  return runtime.startsWith('provided') ? 'shell' : 'python';
}

/** A short name for what a cell holds: its line and its body, as the magic is given them. The server extension's
 * Python makes the same of the same cell. */
export function fingerprint(text: string): string | null {
  const found = header(text);
  if (found === null) {
    return null;
  }
  return crc32(`${found.line}\n${text.slice(found.end).trim()}`);
}

/** CRC-32 of the text's UTF-8, as zlib reckons it, in eight hexadecimal digits. */
function crc32(text: string): string {
  let crc = 0xffffffff;
  for (const byte of new TextEncoder().encode(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    }
  }
  return (~crc >>> 0).toString(16).padStart(8, '0');
}
