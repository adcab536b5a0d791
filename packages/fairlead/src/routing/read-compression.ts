import type { AnnotationReader } from './annotation-reader.ts';
import { type Reading, readBytes, readList, readWord } from './annotation-values.ts';
import type { CompressFilter } from './route-filters.ts';

/** What is compressed unless an annotation says otherwise: text in its many names. */
export const COMPRESSED_TYPES: readonly string[] = [
  'text/*',
  'application/json',
  'application/javascript',
  'application/xml',
  'application/wasm',
  'application/x-ndjson',
  'application/vnd.ms-fontobject',
  'font/otf',
  'font/ttf',
  '*+json',
  '*+xml',
];

const CODINGS = ['gzip', 'br', 'zstd'] as const;
const BY_PREFERENCE: CompressFilter['codings'] = ['zstd', 'br', 'gzip'];

/** Shorter answers fit into a packet or two as they are. */
const MIN_BYTES = 1024;

/** Reads the annotations `compression…` of an Ingress. Wrong values count as absent. */
export function readCompression(reader: AnnotationReader): CompressFilter | undefined {
  const codings = reader.optional('compression', readCodings);
  const types = reader.optional('compression-types', (text) => readList(text.toLowerCase(), readType));
  const minBytes = reader.optional('compression-min-size', readBytes);
  const level = reader.optional('compression-level', (text) => readWord(text, ['fast', 'balanced', 'small'] as const));
  if (codings === undefined || codings.length === 0) return undefined;
  return {
    type: 'compress',
    codings,
    types: types ?? COMPRESSED_TYPES,
    minBytes: minBytes ?? MIN_BYTES,
    level: level ?? 'balanced',
  };
}

/** `on`, `off`, or codings by preference. */
function readCodings(text: string): Reading<CompressFilter['codings']> {
  if (text === 'on') return { ok: true, value: BY_PREFERENCE };
  if (text === 'off') return { ok: true, value: [] };
  return readList(text, (part) => readWord(part, CODINGS));
}

/** gRPC messages have a compression of their own. */
function readType(text: string): Reading<string> {
  const token = '[-!#$&^_.a-z0-9]+';
  return new RegExp(`^(${token}/(\\*|[-!#$&^_.+a-z0-9]+)|\\*\\+${token})$`).test(text) &&
    !text.startsWith('application/grpc')
    ? { ok: true, value: text }
    : { ok: false, message: `'${text}' is not a media type, text/* or *+json` };
}
