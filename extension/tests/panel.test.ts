import { describe, expect, it } from 'vitest';

import type { Finished } from '../src/lab/events';
import { filtered } from '../src/panel/loglines';
import { bar, total, widths } from '../src/panel/waterfall';
import { bytes, dollars, milliseconds, plural, span } from '../src/panel/words';

function row(more: Partial<Finished>): Finished {
  return {
    started: 100,
    ended: 100.2,
    waited_s: 0,
    init_ms: null,
    restore_ms: null,
    duration_ms: 100,
    ...more
  } as Finished;
}

describe('the waterfall', () => {
  it('tells the queue, the init and the handler apart', () => {
    const found = bar(row({ waited_s: 0.05, init_ms: 30 }));
    expect(found.queue).toBe(50);
    expect(found.init).toBeCloseTo(100);
    expect(found.handler).toBe(100);
    expect(total(found)).toBeCloseTo(250);
  });

  it('has no negative parts, however clocks disagree', () => {
    expect(bar(row({ ended: 100, init_ms: null })).init).toBe(0);
    expect(bar(row({ ended: 100, init_ms: 12 })).init).toBe(12);
    expect(bar(row({ ended: 100, restore_ms: 9 })).init).toBe(9);
  });

  it('shows what is short too', () => {
    const found = widths({ queue: 0, init: 0.001, handler: 500 }, 1_000);
    expect(found).toEqual({ queue: 0, init: 0.5, handler: 50 });
    expect(widths({ queue: 0, init: 0, handler: 0 }, 0)).toEqual({ queue: 0, init: 0, handler: 0 });
  });
});

describe('the filter of a log', () => {
  const id = '11111111-2222-4333-8444-555555555555';
  const other = id.replace(/1/g, '9');
  const lines = [
    [`START RequestId: ${id} Version: $LATEST`, 'a'],
    [`START RequestId: ${other} Version: $LATEST`, 'b'],
    ['mine', 'a'],
    ['theirs', 'b'],
    [`END RequestId: ${id}`, 'a'],
    [`{"time":"t","type":"platform.start","record":{"requestId":"${other}","version":"1"}}`, 'a'],
    ['{"message":"later"}', 'a']
  ].map(([message, stream]) => ({ message: message ?? '', stream: stream ?? '', group: 'g', timestamp: 1 }));
  const left = (filter: string) => filtered(lines, filter).map(line => lines.indexOf(line));

  it('leaves lines that hold it, in any case', () => {
    expect(left('MINE')).toEqual([2]);
    expect(left('  ')).toHaveLength(lines.length);
  });

  it('leaves all of an invocation by its request id, and nothing of what ran beside it', () => {
    expect(left(id)).toEqual([0, 2, 4]);
    expect(left(other)).toEqual([1, 3, 5, 6]);
  });
});

it('figures are in words', () => {
  expect([0.5, 12.3, 1_234, 65_000, 7_300_000].map(milliseconds)).toEqual([
    '0.50 ms',
    '12 ms',
    '1.23 s',
    '1 min 5 s',
    '2 h 1 min'
  ]);
  expect([0, 59, 3_600, 90_061].map(span)).toEqual(['0 s', '59 s', '1 h', '1 d 1 h']);
  expect([0, 2.5, 0.00123, 6.2e-7].map(dollars)).toEqual(['$0.00', '$2.50', '$0.00123', '$6.2e-7']);
  expect([10, 2_048, 5_000_000].map(bytes)).toEqual(['10 bytes', '2.0 KB', '4.8 MB']);
  expect([plural(1, 'error'), plural(0, 'error')]).toEqual(['1 error', '0 errors']);
});
