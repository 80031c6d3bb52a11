import { describe, expect, it } from 'vitest';

import { candidates } from '../src/editor/words';

const NAMES = ['hello', 'help', 'thumbnail'];

function after(before: string): string[] | undefined {
  return candidates(before, NAMES)?.words.map(word => word.text);
}

describe('the magic line is completed', () => {
  it('with names first', () => {
    expect(after('%%lambda ')).toEqual(NAMES);
    expect(after('%%lambda he')).toEqual(['hello', 'help']);
    expect(candidates('%%lambda he', NAMES)?.start).toBe(9);
  });

  it('with options behind the name, and after an option without a value', () => {
    expect(after('%%lambda hello --req')).toEqual(['--requires']);
    expect(after('%%lambda hello --url --mem')).toEqual(['--memory']);
  });

  it('with what an option takes', () => {
    expect(after('%%lambda hello --runtime node')).toContain('nodejs22.x');
    expect(after('%%lambda hello --on s')).toEqual(['s3:', 'sqs:', 'sns:', 'schedule:']);
    expect(after('%%lambda hello --on-failure s')).toEqual(['sqs:', 'sns:', 's3:']);
  });

  it('with nothing where only the person knows', () => {
    expect(after('%%lambda hello --memory ')).toEqual([]);
  });

  it('and nothing else is', () => {
    for (const before of ['%%lambda', '%lambda ', 'x = 1\n%%lambda ', '%%lambda hello\nimport ', 'print(']) {
      expect(candidates(before, NAMES)).toBeNull();
    }
  });
});
