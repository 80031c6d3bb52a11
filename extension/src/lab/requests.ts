/** Everything that is asked of a lab, through the Jupyter server. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { Finished, Line } from './events';

/** One invocation's answer. `report` is AWS's REPORT line, empty if the log had none. */
export interface Answer {
  readonly failed: boolean;
  readonly payload: string;
  readonly log: string;
  readonly report: string;
  readonly requestId: string;
}

export interface Endpoint {
  readonly route: string;
  readonly auth: string;
  readonly in_browser: string;
  readonly link: string;
  readonly curl: string;
}

export interface Surroundings {
  readonly sources: readonly string[];
  readonly endpoints: readonly Endpoint[];
}

export interface Figures {
  readonly hours: number;
  readonly invocations: number;
  readonly errors: number;
  readonly throttles: number;
  readonly concurrency: number;
  readonly cost: number;
  readonly duration_ms: Readonly<Record<string, number>>;
  readonly invocations_by_part: readonly number[];
  readonly errors_by_part: readonly number[];
}

export interface Status {
  readonly name: string;
  readonly version: string;
  readonly endpoint: string;
  readonly data: string;
  readonly uptime_s: number;
  readonly runtimes: Readonly<Record<string, { version: string; path: string }>>;
  readonly reserve: Readonly<Record<string, { processes: number; memory_mb: number }>>;
  readonly functions: number;
  readonly environments: { total: number; busy: number };
  readonly running: number;
  readonly queue: { waiting: number; running: number };
}

export interface Clock {
  readonly now: number;
  readonly speed: number;
}

interface PastRow {
  started: number;
  source: string;
  version: string;
  log_stream: string;
  error: { errorMessage?: string } | null;
  report: Pick<
    Finished,
    'request_id' | 'duration_ms' | 'billed_ms' | 'memory_mb' | 'max_memory_mb' | 'init_ms' | 'status' | 'error_type'
  > & { restore_ms?: number | null };
}

/** The lab of a name; each call raises an Error whose message is the lab's own. */
export class Requests {
  constructor(
    readonly lab: string,
    private readonly settings = ServerConnection.makeSettings()
  ) {}

  async labs(): Promise<{ labs: string[]; usual: string }> {
    return json(await this.ask('GET', 'labs'));
  }

  async start(name: string): Promise<void> {
    await this.ask('POST', 'labs', JSON.stringify({ name }));
  }

  async invoke(name: string, event: string): Promise<Answer> {
    const path = `lambda/2015-03-31/functions/${encodeURIComponent(name)}/invocations`;
    const answer = await this.call('POST', path, event, { 'X-Amz-Log-Type': 'Tail' });
    const log = decode(answer.headers.get('x-amz-log-result') ?? '');
    return {
      failed: answer.headers.has('x-amz-function-error'),
      payload: pretty(await answer.text()),
      log,
      report: log.split('\n').find(line => line.startsWith('REPORT ')) ?? '',
      requestId: answer.headers.get('x-amzn-requestid') ?? ''
    };
  }

  /** The event of a request, or the last one of the function, as JSON. */
  async pastEvent(name: string, requestId?: string): Promise<string> {
    const query = requestId === undefined ? '' : `?request=${encodeURIComponent(requestId)}`;
    return (await this.call('GET', `${own(name)}/events${query}`)).text();
  }

  /** The last invocations, oldest first. */
  async pastInvocations(name: string, limit: number): Promise<Finished[]> {
    const answer = await this.call('GET', `${own(name)}/invocations?limit=${limit}`);
    const { invocations } = await json<{ invocations: PastRow[] }>(answer);
    return invocations.reverse().map(row => finished(name, row));
  }

  /** The last lines of a log group, oldest first. */
  async pastLines(group: string, limit: number): Promise<Line[]> {
    const body = JSON.stringify({ logGroupName: group, startFromHead: false, limit });
    const answer = await this.call('POST', 'logs/', body, {
      'Content-Type': 'application/x-amz-json-1.1',
      'X-Amz-Target': 'Logs_20140328.FilterLogEvents'
    });
    const { events } = await json<{ events: { timestamp: number; message: string; logStreamName: string }[] }>(answer);
    return events
      .reverse()
      .map(({ timestamp, message, logStreamName }) => ({ group, stream: logStreamName, timestamp, message }));
  }

  async figures(name: string, hours: number): Promise<Figures> {
    return json(await this.call('GET', `${own(name)}/metrics?hours=${hours}`));
  }

  async surroundings(name: string): Promise<Surroundings> {
    return json(await this.ask('GET', `labs/${this.lab}/functions/${encodeURIComponent(name)}`));
  }

  async samples(): Promise<Readonly<Record<string, unknown>>> {
    return (await json<{ samples: Record<string, unknown> }>(await this.ask('GET', `labs/${this.lab}/samples`)))
      .samples;
  }

  async delete(name: string): Promise<void> {
    await this.call('DELETE', `lambda/2015-03-31/functions/${encodeURIComponent(name)}`);
  }

  async status(): Promise<Status> {
    return json(await this.call('GET', 'lablambda/lablambda/status'));
  }

  async clock(change: { advance_s?: number; speed?: number } = {}): Promise<Clock> {
    const query = Object.entries(change).map(([name, value]) => `${name}=${value}`);
    const method = query.length > 0 ? 'POST' : 'GET';
    return json(await this.call(method, `lablambda/lablambda/clock${query.length > 0 ? `?${query.join('&')}` : ''}`));
  }

  private call(method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.ask(method, `api/${this.lab}/${path}`, body, headers);
  }

  private async ask(
    method: string,
    path: string,
    body?: string,
    headers: Record<string, string> = {}
  ): Promise<Response> {
    const url = URLExt.join(this.settings.baseUrl, 'lablambda') + `/${path}`;
    const init = { method, headers, ...(body === undefined ? {} : { body }) };
    const answer = await ServerConnection.makeRequest(url, init, this.settings);
    if (!answer.ok) {
      throw new Error(message(await answer.text()) || `${answer.status} ${answer.statusText}`);
    }
    return answer;
  }
}

function own(name: string): string {
  return `lablambda/lablambda/functions/${encodeURIComponent(name)}`;
}

async function json<T>(answer: Response): Promise<T> {
  return (await answer.json()) as T;
}

function message(text: string): string {
  try {
    const body = JSON.parse(text) as { message?: string; Message?: string };
    return body.message ?? body.Message ?? text;
  } catch {
    return text.slice(0, 500);
  }
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function decode(base64: string): string {
  return new TextDecoder().decode(Uint8Array.from(atob(base64), char => char.charCodeAt(0)));
}

function finished(name: string, row: PastRow): Finished {
  const { report, error, ...rest } = row;
  const restore_ms = report.restore_ms ?? null; // what earlier versions recorded lacks it
  const ended = row.started + ((report.init_ms ?? restore_ms ?? 0) + report.duration_ms) / 1000;
  return {
    ...rest,
    ...report,
    restore_ms,
    function: name,
    ended,
    waited_s: 0,
    error: error?.errorMessage ?? '',
    cost: NaN
  };
}
