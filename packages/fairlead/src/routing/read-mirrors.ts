import { type AnnotationReader, fieldOf } from './annotation-reader.ts';
import { type Reading, readBytes, readList, readShare, readWord } from './annotation-values.ts';
import type { BackendRef } from './compile-ingress.ts';
import type { MirrorFilter } from './route-filters.ts';

const BODY_MAX_BYTES = 64 * 1024;
const BODY_LIMIT_BYTES = 1024 * 1024;
const MIRRORS_MAX = 4;

/** Reads `fairlead.dev/mirror…`. A wrong value counts as absent: no copy is made. */
export function readMirrors(
  reader: AnnotationReader,
  namespace: string,
): { readonly filters: readonly MirrorFilter[]; readonly backends: readonly BackendRef[] } {
  const mirrors = reader.optional('mirror', (text) => readTargets(text, namespace)) ?? [];
  const host = reader.optional('mirror-host', (text) => readWord(text, ['shadow', 'keep'] as const));
  const bodyMaxBytes = reader.optional('mirror-max-body-size', readBody);
  return {
    filters: mirrors.map(({ backend, share }) => ({
      type: 'mirror',
      backend: backend.key,
      share,
      host: host ?? 'shadow',
      bodyMaxBytes: bodyMaxBytes ?? BODY_MAX_BYTES,
    })),
    backends: mirrors.map(({ backend }) => backend),
  };
}

interface MirrorTarget {
  readonly backend: BackendRef;
  readonly share: number;
}

function readTargets(text: string, namespace: string): Reading<MirrorTarget[]> {
  const targets = readList(text, (part) => readTarget(part, namespace));
  return targets.ok && targets.value.length > MIRRORS_MAX
    ? { ok: false, message: `more than ${MIRRORS_MAX} mirrors` }
    : targets;
}

/** `SERVICE:PORT` or `SERVICE:PORT 10%`. */
function readTarget(text: string, namespace: string): Reading<MirrorTarget> {
  const [, service = '', portText = '', shareText] = /^([a-z0-9][-a-z0-9]*):([a-z0-9-]+)(?: +(\S+))?$/.exec(text) ?? [];
  if (service === '') return { ok: false, message: `'${text}' is not SERVICE:PORT or SERVICE:PORT 10%` };
  const share = shareText === undefined ? ({ ok: true, value: 1 } as const) : readShare(shareText);
  if (!share.ok) return share;
  const port = /^\d+$/.test(portText) ? Number(portText) : portText;
  const key = `${namespace}/${service}:${port}`;
  return {
    ok: true,
    value: { backend: { key, namespace, service, port, field: fieldOf('mirror') }, share: share.value },
  };
}

function readBody(text: string): Reading<number> {
  const bytes = readBytes(text);
  return bytes.ok && bytes.value > BODY_LIMIT_BYTES ? { ok: false, message: `'${text}' is more than 1m` } : bytes;
}
