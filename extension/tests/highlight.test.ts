import { ensureSyntaxTree, language } from '@codemirror/language';
import { EditorState } from '@codemirror/state';
import { describe, expect, it } from 'vitest';

import { highlighting } from '../src/editor/highlight';

function editing(text: string): EditorState {
  return EditorState.create({ doc: text, extensions: [highlighting(text)] });
}

/** The names of the nodes around a piece of the text, inwards. */
function around(state: EditorState, piece: string): string[] {
  const found: string[] = [];
  const at = state.doc.toString().indexOf(piece) + 1;
  for (
    let node = ensureSyntaxTree(state, state.doc.length, 5_000)?.resolveInner(at, -1) ?? null;
    node;
    node = node.parent
  ) {
    found.unshift(node.name);
  }
  return found;
}

describe('a cell is parsed as its language', () => {
  it.each([
    ['%%lambda a\ndef handler(event, context):\n    return 1', 'return', 'ReturnStatement'],
    ['%%lambda a --runtime nodejs22.x\nexports.handler = async e => 1', 'async', 'ArrowFunction'],
    ['%%lambda a --runtime java21\npublic class A { int f() { return 1; } }', 'return', 'ReturnStatement'],
    ['%%lambda a --runtime provided.al2023\necho "hello"', '"hello', 'string']
  ])('%j', (text, piece, node) => {
    expect(around(editing(text), piece)).toContain(node);
  });

  it('and its magic line as none', () => {
    const state = editing('%%lambda a --runtime java21\nclass A {}');
    expect(around(state, '--runtime')).toEqual(['LambdaCell']);
  });
});

it('follows the runtime as it is typed, and goes when the cell is none of ours', () => {
  let state = editing('%%lambda a --runtime java21\nx');
  expect(state.facet(language)?.name).toBe('lambda-java');
  state = state.update({ changes: { from: 21, to: 27, insert: 'nodejs22.x' } }).state;
  expect(state.facet(language)?.name).toBe('lambda-javascript');
  state = state.update({ changes: { from: 0, to: 1 } }).state;
  expect(state.facet(language)).toBeNull();
  state = state.update({ changes: { from: 0, insert: '%' } }).state;
  expect(state.facet(language)?.name).toBe('lambda-javascript');
});
