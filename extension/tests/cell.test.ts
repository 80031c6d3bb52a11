import { describe, expect, it } from 'vitest';

import { fingerprint, header, languageOf } from '../src/editor/cell';

describe('the magic line', () => {
  it('names the function and its runtime', () => {
    const found = header('%%lambda hello --memory 256 --runtime nodejs22.x\nexports.handler = 1');
    expect(found).toMatchObject({ name: 'hello', runtime: 'nodejs22.x', language: 'javascript' });
    expect(header('%%lambda "hello" --runtime=java21')).toMatchObject({ name: 'hello', language: 'java' });
    expect(header('\n\n%%lambda x')).toMatchObject({ name: 'x', language: 'python', end: 12 });
  });

  it('may still be on its way', () => {
    expect(header('%%lambda')).toMatchObject({ name: '', end: 8 });
    expect(header('%%lambda --runtime java')).toMatchObject({ name: '', language: 'java' });
  });

  it.each(['%lambda list', '%%lambdas x', 'x = 1\n%%lambda y', '', '# %%lambda x'])('is none in %j', text => {
    expect(header(text)).toBeNull();
  });
});

it.each([
  ['', 'python'],
  ['python3.13', 'python'],
  ['nodejs22.x', 'javascript'],
  ['java21', 'java'],
  ['provided.al2023', 'shell'],
  ['ruby3.4', 'python']
])('cells of %j are in %s', (runtime, language) => {
  expect(languageOf(runtime)).toBe(language);
});

describe('the fingerprint', () => {
  it("doesn't mind space around the line and the body", () => {
    expect(fingerprint('%%lambda  a --url \n\ndef f(): 1\n')).toBe(fingerprint('%%lambda a --url\ndef f(): 1'));
  });

  it('minds all else', () => {
    const of = fingerprint('%%lambda a\nx');
    for (const other of ['%%lambda b\nx', '%%lambda a\ny', '%%lambda a\n x\ny', '%%lambda a --url\nx']) {
      expect(fingerprint(other)).not.toBe(of);
    }
    expect(fingerprint('x')).toBeNull();
  });

  it("is zlib's CRC-32 of line and body", () => {
    expect(fingerprint('%%lambda grüße\nreturn "€"')).toBe('7ece07bc');
  });
});
