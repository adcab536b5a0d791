/** What a time text became: its canonical form, or Go's text for why it is none. */
export type TimeText = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly error: string };

const LAYOUT = '2006-01-02T15:04:05Z07:00';
const MICRO_LAYOUT = '2006-01-02T15:04:05.000000Z07:00';
const MICRO_SECONDS = [
  ['05', /^\d{2}/],
  ['.000000', /^[.,]\d{6}/],
] as const;
const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?(Z|[+-]\d{2}:\d{2})$/;

/** Reads an RFC 3339 time and writes it in UTC: whole seconds, or the six decimals that a MicroTime must have. */
export function canonicalTime(text: string, micro: boolean): TimeText {
  const match = RFC3339.exec(text);
  const layout = micro ? MICRO_LAYOUT : LAYOUT;
  if (match === null || (micro && match[7]?.length !== 6)) return { ok: false, error: parseError(text, layout) };
  const [, year = '', month = '', day = '', hour = '', minute = '', second = '', fraction = '', zone = ''] = match;
  const days = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  const fault =
    Number(month) < 1 || Number(month) > 12
      ? 'month'
      : Number(day) < 1 || Number(day) > days
        ? 'day'
        : Number(hour) > 23
          ? 'hour'
          : Number(minute) > 59
            ? 'minute'
            : Number(second) > 59
              ? 'second'
              : undefined;
  if (fault !== undefined) return { ok: false, error: `parsing time ${JSON.stringify(text)}: ${fault} out of range` };
  if (zone === 'Z' && (micro ? text[19] === '.' : fraction === '')) return { ok: true, text };
  const offset =
    zone === 'Z' ? 0 : (zone[0] === '-' ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4)));
  const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  const seconds = new Date(date.getTime() - offset * 60_000).toISOString().slice(0, 19);
  return { ok: true, text: micro ? `${seconds}.${fraction}Z` : `${seconds}Z` };
}

/** Go names the first layout element that does not fit, and the rest of the text there. */
function parseError(text: string, layout: string): string {
  const elements: readonly (readonly [string, RegExp])[] = [
    ['2006', /^\d{4}/],
    ['-', /^-/],
    ['01', /^\d{2}/],
    ['-', /^-/],
    ['02', /^\d{2}/],
    ['T', /^T/],
    ['15', /^\d{2}/],
    [':', /^:/],
    ['04', /^\d{2}/],
    [':', /^:/],
    ...(layout === LAYOUT ? ([['05', /^\d{2}(?:[.,]\d+)?/]] as const) : MICRO_SECONDS),
    ['Z07:00', /^(?:Z|[+-]\d{2}:\d{2})/],
  ];
  const quote = JSON.stringify;
  let rest = text;
  for (const [name, pattern] of elements) {
    const found = pattern.exec(rest);
    if (found === null) {
      return `parsing time ${quote(text)} as ${quote(layout)}: cannot parse ${quote(rest)} as ${quote(name)}`;
    }
    rest = rest.slice(found[0].length);
  }
  return `parsing time ${quote(text)}: extra text: ${quote(rest)}`;
}
