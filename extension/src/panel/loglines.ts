/** Which lines of a log a filter leaves. */

import type { Line } from '../lab/events';

const REQUEST_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const START = /^START RequestId: (\S+)|"type"\s*:\s*"platform\.start".*?"requestId"\s*:\s*"([^"]+)"/;

/** Those that hold the text, in any case; of a request id, those of that invocation. */
export function filtered(lines: readonly Line[], filter: string): readonly Line[] {
  const wanted = filter.trim().toLowerCase();
  if (wanted === '') {
    return lines;
  }
  if (REQUEST_ID.test(wanted)) {
    return ofRequest(lines, wanted);
  }
  return lines.filter(line => line.message.toLowerCase().includes(wanted));
}

/** An environment has one event at a time and a stream of its own: what stands between two STARTs is of the first. */
function ofRequest(lines: readonly Line[], id: string): readonly Line[] {
  const current = new Map<string, string>();
  return lines.filter(line => {
    const start = START.exec(line.message);
    if (start !== null) {
      current.set(line.stream, start[1] ?? start[2] ?? '');
    }
    return current.get(line.stream) === id || line.message.includes(id);
  });
}
