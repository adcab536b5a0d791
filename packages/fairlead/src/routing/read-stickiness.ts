import type { AnnotationReader } from './annotation-reader.ts';
import { type FieldReaders, field, type Reading, readDuration, readFields, readWord } from './annotation-values.ts';
import type { StickyCookie, StickyFilter } from './route-filters.ts';

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const COOKIE: StickyCookie = {
  type: 'cookie',
  name: 'fairlead-session',
  path: '/',
  maxAgeS: 'session',
  sameSite: 'lax',
  secure: 'auto',
  httpOnly: true,
};
const YES_NO = { true: true, false: false } as const;
const readYesNo = (text: string): Reading<boolean> => {
  const word = readWord(text, ['true', 'false'] as const);
  return word.ok ? { ok: true, value: YES_NO[word.value] } : word;
};
const COOKIE_FIELDS: FieldReaders<StickyCookie> = {
  name: field('name', readToken),
  path: field('path', readPath),
  'max-age': field('maxAgeS', readSeconds),
  'same-site': field('sameSite', (text) => readWord(text.toLowerCase(), ['lax', 'strict', 'none', 'off'] as const)),
  secure: field('secure', (text) => readWord(text, ['auto', 'on', 'off'] as const)),
  'http-only': field('httpOnly', readYesNo),
};

/**
 * Reads the annotations `sticky…` of an Ingress. Wrong values count as absent.
 * @param key of the digests that clients get
 */
export function readStickiness(reader: AnnotationReader, key: string): StickyFilter | undefined {
  const by = reader.optional('sticky', (text) => readBy(text, (message) => reader.problem('sticky', message)));
  const mode = reader.optional('sticky-mode', (text) => readWord(text, ['balanced', 'persistent'] as const));
  const changeOnFailure = reader.optional('sticky-change-on-failure', readYesNo);
  if (by === undefined) return undefined;
  return { type: 'sticky', by, mode: mode ?? 'persistent', changeOnFailure: changeOnFailure ?? true, key };
}

/** `cookie`, `cookie name=ID max-age=1h …`, `header NAME`. */
function readBy(text: string, told: (message: string) => void): Reading<StickyFilter['by']> {
  const header = /^header\s+(\S+)$/.exec(text)?.[1];
  if (header !== undefined) {
    const name = readToken(header);
    return name.ok ? { ok: true, value: { type: 'header', name: name.value.toLowerCase() } } : name;
  }
  const fields = /^cookie(?:\s+(.*))?$/s.exec(text);
  if (fields === null) return { ok: false, message: `'${text}' is neither 'cookie name=… path=…' nor 'header NAME'` };
  const cookie = { ...COOKIE, ...readFields<StickyCookie>(fields[1] ?? '', COOKIE_FIELDS, told) };
  if (cookie.sameSite === 'none' && cookie.secure !== 'on') {
    if (cookie.secure === 'off') told('same-site=none without secure=on is ignored by browsers');
    return { ok: true, value: { ...cookie, secure: 'on' } };
  }
  return { ok: true, value: cookie };
}

function readToken(text: string): Reading<string> {
  return TOKEN.test(text) ? { ok: true, value: text } : { ok: false, message: `'${text}' is not a token of RFC 9110` };
}

/** What may stand in a Path attribute (RFC 6265 4.1.1). */
function readPath(text: string): Reading<string> {
  return /^\/[\x21-\x3a\x3c-\x7e]*$/.test(text)
    ? { ok: true, value: text }
    : { ok: false, message: `'${text}' is not a path` };
}

/** Whole seconds, or `session`. */
function readSeconds(text: string): Reading<number | 'session'> {
  if (text === 'session') return { ok: true, value: 'session' };
  // Longer than any time of a proxy: cookies count in days.
  const days = /^(\d{1,4})d$/.exec(text)?.[1];
  if (days !== undefined && Number(days) > 0) return { ok: true, value: Number(days) * 86_400 };
  const duration = readDuration(text);
  if (!duration.ok) return duration;
  return duration.value >= 1000
    ? { ok: true, value: Math.floor(duration.value / 1000) }
    : { ok: false, message: `'${text}' is less than a second` };
}
