/** Parses a cell's body as its own language, and leaves the magic line alone. */

import { defineLanguageFacet, Language, languageDataProp } from '@codemirror/language';
import type { Input, PartialParse, TreeFragment } from '@lezer/common';
import { NodeType, Parser, Tree } from '@lezer/common';

import { header } from './cell';

const data = defineLanguageFacet();
const cell = NodeType.define({ id: 0, name: 'LambdaCell', top: true, props: [[languageDataProp, data]] });

/** A language whose documents begin with a line that isn't of the language. */
export function belowTheMagicLine(body: Language): Language {
  return new Language(data, new CellParser(body.parser), [], `lambda-${body.name}`);
}

class CellParser extends Parser {
  constructor(private readonly body: Parser) {
    super();
  }

  createParse(input: Input, _: readonly TreeFragment[], ranges: readonly { from: number; to: number }[]): PartialParse {
    const end = ranges.at(-1)?.to ?? input.length;
    const start = Math.min(header(input.read(0, end))?.end ?? 0, end);
    // Cells are short: their bodies are parsed anew each time, and no tree of before has to fit.
    const inner = this.body.startParse(input, [], [{ from: start, to: end }]);
    return {
      get parsedPos() {
        return inner.parsedPos;
      },
      get stoppedAt() {
        return inner.stoppedAt;
      },
      stopAt: position => {
        inner.stopAt(position);
      },
      advance: () => {
        const tree = inner.advance();
        return tree && new Tree(cell, [tree], [start], Math.max(end, start + tree.length));
      }
    };
  }
}
