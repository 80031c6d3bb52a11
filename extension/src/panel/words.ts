/** Figures as people read them. */

export function milliseconds(ms: number): string {
  if (ms < 10) {
    return `${ms.toFixed(2)} ms`;
  }
  if (ms < 1_000) {
    return `${ms.toFixed(0)} ms`;
  }
  return ms < 60_000 ? `${(ms / 1000).toFixed(2)} s` : span(ms / 1000);
}

export function span(seconds: number): string {
  const whole = Math.round(seconds);
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3_600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's']
  ];
  const told = parts.filter(([count]) => count > 0).slice(0, 2);
  return told.length === 0 ? '0 s' : told.map(([count, unit]) => `${count} ${unit}`).join(' ');
}

/** Local time of day, of seconds since 1970. */
export function time(at: number): string {
  const date = new Date(at * 1000);
  return date.toLocaleTimeString([], { hourCycle: 'h23' }) + `.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

export function dollars(sum: number): string {
  if (sum === 0 || sum >= 1) {
    return `$${sum.toFixed(2)}`;
  }
  return `$${sum.toPrecision(3).replace(/(\.\d*?)0+(e|$)/, '$1$2')}`;
}

export function bytes(size: number): string {
  return size < 1024
    ? `${size} bytes`
    : size < 1024 ** 2
      ? `${(size / 1024).toFixed(1)} KB`
      : `${(size / 1024 ** 2).toFixed(1)} MB`;
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
