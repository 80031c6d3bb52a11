import { describe, expect, it } from 'vitest';

import type { Finished, FunctionSeen, Tick } from '../src/lab/events';
import { LabModel } from '../src/lab/model';

function seen(name: string, more: Record<string, unknown> = {}): FunctionSeen {
  const configuration = { FunctionName: name, Runtime: 'python3.13', State: 'Active', ...more };
  return { configuration, last_version: 0, aliases: [], reserved: null, provisioned: 0 };
}

function tick(more: Partial<Tick> = {}): Tick {
  const nothing = { functions: [], gone: [], started: [], finished: [], lines: [] };
  return { at: 100, whole: false, running: {}, environments: {}, counts: {}, left_out: 0, ...nothing, ...more };
}

function row(id: string, more: Partial<Finished> = {}): Finished {
  return {
    function: 'f',
    version: '$LATEST',
    request_id: id,
    source: 'api',
    started: 99,
    ended: 100,
    waited_s: 0,
    init_ms: null,
    restore_ms: null,
    duration_ms: 5,
    billed_ms: 5,
    memory_mb: 128,
    max_memory_mb: 40,
    status: 'success',
    error_type: '',
    error: '',
    log_stream: 's',
    cost: 0,
    ...more
  };
}

function model(...functions: FunctionSeen[]): LabModel {
  const made = new LabModel();
  made.apply(tick({ whole: true, functions }));
  return made;
}

describe('the functions', () => {
  it('are there by name once the stream begins', () => {
    const made = new LabModel();
    expect(made.presence).toBe('connecting');
    made.apply(tick({ whole: true, functions: [seen('b'), seen('a')] }));
    expect(made.presence).toBe('here');
    expect(made.functions.map(each => each.name)).toEqual(['a', 'b']);
  });

  it('change, come and go', () => {
    const made = model(seen('a'), seen('b'));
    const told: string[] = [];
    made.functionChanged.connect((_, name) => told.push(name));
    made.apply(tick({ functions: [seen('a', { State: 'Pending' }), seen('c')], gone: ['b'] }));
    expect(made.functions.map(each => [each.name, each.state])).toEqual([
      ['a', 'Pending'],
      ['c', 'Active']
    ]);
    expect(told).toEqual(['b', 'a', 'c']);
  });

  it("that aren't in a whole tick aren't there, and the others keep their rows", () => {
    const made = model(seen('f'), seen('b'));
    made.apply(tick({ finished: [row('1')] }));
    made.apply(tick({ whole: true, functions: [seen('f')] }));
    expect(made.functions.map(each => each.name)).toEqual(['f']);
    expect(made.find('f')?.finished.all).toHaveLength(1);
  });

  it('are none when the lab is absent', () => {
    const made = model(seen('a'));
    made.absent('gone');
    expect([made.presence, made.why, made.functions.length]).toEqual(['absent', 'gone', 0]);
  });

  it('say how their last update went', () => {
    const state = (members: Record<string, unknown>) => model(seen('f', members)).find('f')?.state;
    expect(state({ LastUpdateStatus: 'Successful' })).toBe('Active');
    expect(state({ LastUpdateStatus: 'InProgress' })).toBe('InProgress');
    expect(state({ State: 'Failed', StateReason: 'x' })).toBe('Failed');
  });
});

describe('invocations', () => {
  it('are under way until they end', () => {
    const made = model(seen('f'));
    const f = made.find('f');
    const started = [
      { function: 'f', request_id: '1', source: 'api', at: 99 },
      { function: 'f', request_id: '2', source: 'api', at: 99 }
    ];
    made.apply(tick({ started, running: { f: 2 } }));
    expect([f?.underWay.length, f?.running]).toEqual([2, 2]);
    made.apply(tick({ finished: [row('1', { status: 'error' })], running: { f: 1 } }));
    expect(f?.underWay.map(each => each.request_id)).toEqual(['2']);
    expect(f?.failing).toBe(true);
    made.apply(tick({ finished: [row('2')] }));
    expect([f?.underWay.length, f?.failing]).toEqual([0, false]);
  });

  it('whose end was left out are over when nothing runs', () => {
    const made = model(seen('f'));
    made.apply(tick({ started: [{ function: 'f', request_id: '1', source: 'api', at: 99 }], running: { f: 1 } }));
    made.apply(tick({ left_out: 1 }));
    expect(made.find('f')?.underWay).toEqual([]);
    expect(made.leftOut).toBe(1);
  });

  it('are kept to the last ones, and those of before come first', () => {
    const made = model(seen('f'));
    made.apply(tick({ finished: Array.from({ length: 500 }, (_, index) => row(String(index))) }));
    const f = made.find('f');
    expect(f?.finished.all).toHaveLength(200);
    expect(f?.finished.all.at(-1)?.request_id).toBe('499');
    const other = model(seen('f'));
    other.apply(tick({ finished: [row('2')] }));
    other.find('f')?.remember([row('1'), row('2')], []);
    expect(other.find('f')?.finished.all.map(each => each.request_id)).toEqual(['1', '2']);
  });

  it('of each second are counted for charts', () => {
    const made = model(seen('f'));
    const counts = { f: { invocations: 3, errors: 1, throttles: 0 } };
    made.apply(tick({ at: 100.1, counts, running: { f: 4 }, finished: [row('1', { ended: 100, duration_ms: 7 })] }));
    made.apply(tick({ at: 100.9, counts, running: { f: 2 } }));
    made.apply(tick({ at: 500 }));
    const last = made.find('f')?.seconds.upTo(101.5).slice(-2);
    expect(last).toEqual([
      { at: 100, invocations: 6, errors: 2, throttles: 0, running: 4, longest: 7 },
      { at: 101, invocations: 0, errors: 0, throttles: 0, running: 0, longest: null }
    ]);
  });
});

it('lines go to the function whose log group it is', () => {
  const made = model(seen('f'), seen('g', { LoggingConfig: { LogGroup: 'mine' } }));
  const line = (group: string, message: string) => ({ group, stream: 's', timestamp: 1, message });
  made.apply(tick({ lines: [line('/aws/lambda/f', 'a'), line('mine', 'b'), line('other', 'c')] }));
  expect(made.find('f')?.lines.all.map(each => each.message)).toEqual(['a']);
  expect(made.find('g')?.lines.all.map(each => each.message)).toEqual(['b']);
});
