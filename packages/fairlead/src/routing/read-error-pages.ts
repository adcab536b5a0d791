import { type AnnotationReader, fieldOf } from './annotation-reader.ts';
import { type Reading, readList, readWord } from './annotation-values.ts';
import type { ObjectClaim } from './claim-table.ts';
import type { BackendRef } from './compile-ingress.ts';
import type { ErrorPagesFilter } from './route-filters.ts';

/** What the annotations `error-pages…` of an Ingress say. */
export interface ErrorPageAnnotations {
  readonly filter: ErrorPagesFilter;
  readonly claim: ObjectClaim | undefined;
  readonly backend: BackendRef | undefined;
}

/** What is neither the caller's mistake nor his to log in about. */
const STATUSES: ErrorPagesFilter['statuses'] = [
  [404, 404],
  [500, 599],
];

/**
 * Reads the annotations `error-pages…`. Wrong values count as absent.
 * @param ingress `namespace/name`
 */
export function readErrorPages(
  reader: AnnotationReader,
  namespace: string,
  ingress: string,
): ErrorPageAnnotations | undefined {
  const source = reader.optional('error-pages', (text) => readSource(text, namespace));
  const statuses = reader.optional('error-pages-for', (text) => readList(text, readStatuses));
  const of = reader.optional('error-pages-of', (text) => readWord(text, ['gateway', 'endpoint', 'both'] as const));
  if (source === undefined) return undefined;
  return {
    filter: {
      type: 'error-pages',
      statuses: statuses ?? STATUSES,
      of: of ?? 'both',
      source: source.source,
      namespace,
      ingress: ingress.slice(ingress.indexOf('/') + 1),
    },
    claim: source.claim,
    backend: source.backend,
  };
}

type Source = Pick<ErrorPageAnnotations, 'claim' | 'backend'> & Pick<ErrorPagesFilter, 'source'>;

/** `configmap/NAME`, `service/NAME:PORT`, `service/NAME:PORT/path`. */
function readSource(text: string, namespace: string): Reading<Source> {
  const field = fieldOf('error-pages');
  const configMap = /^configmap\/([a-z0-9][-.a-z0-9]*)$/.exec(text)?.[1];
  if (configMap !== undefined) {
    const object = `${namespace}/${configMap}`;
    return {
      ok: true,
      value: {
        source: { type: 'pages', pages: object },
        claim: { kind: 'configmap', object, field },
        backend: undefined,
      },
    };
  }
  const path = "(?:/[!$&'()*+,\\-./0-9:;=@A-Z_a-z~%?]*)?";
  const [, service = '', portText = '', target = ''] =
    new RegExp(`^service/([a-z0-9][-a-z0-9]*):([a-z0-9-]+)(${path})$`).exec(text) ?? [];
  if (service === '') {
    return { ok: false, message: `'${text}' is neither configmap/NAME nor service/NAME:PORT/path` };
  }
  const port = /^\d+$/.test(portText) ? Number(portText) : portText;
  const key = `${namespace}/${service}:${port}`;
  return {
    ok: true,
    value: {
      source: { type: 'service', backend: key, host: `${service}.${namespace}`, target: target === '' ? '/' : target },
      claim: undefined,
      backend: { key, namespace, service, port, field },
    },
  };
}

/** `404`, `500-504`, `5xx`. */
function readStatuses(text: string): Reading<readonly [first: number, last: number]> {
  const [, family, from = '', to = from] = /^(?:([45])xx|([45]\d\d)(?:-([45]\d\d))?)$/.exec(text) ?? [];
  const range = family === undefined ? ([Number(from), Number(to)] as const) : familyRange(Number(family));
  return range[0] >= 400 && range[0] <= range[1]
    ? { ok: true, value: range }
    : { ok: false, message: `'${text}' is not an error status, 5xx, or a range like 500-504` };
}

function familyRange(family: number): readonly [first: number, last: number] {
  return [family * 100, family * 100 + 99];
}
