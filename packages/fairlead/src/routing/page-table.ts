import type { ConfigMap } from '@fairlead/api';
import { type ClaimReader, type ClaimSources, ClaimTable, type ObjectClaim } from './claim-table.ts';
import type { RoutePage, RoutePages } from './route-filters.ts';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  json: 'application/json',
  txt: 'text/plain; charset=utf-8',
  xml: 'application/xml',
};

const reader: ClaimReader<ObjectClaim, RoutePages> = {
  keyOf: ({ object }) => object,
  read({ object: key }, object, problems) {
    if (object === undefined) {
      problems.push({ reason: 'ConfigMapNotFound', message: `ConfigMap ${key} does not exist; errors have no pages` });
      return undefined;
    }
    return readPages(key, object, (message) =>
      problems.push({ reason: 'ConfigMapInvalid', message: `ConfigMap ${key}, ${message}` }),
    );
  },
};

/** Error pages of a route table. */
export class PageTable extends ClaimTable<ObjectClaim, RoutePages> {
  constructor(sources: ClaimSources, onDirty: () => void, onStatus: (ingress: string) => void) {
    super(sources, reader, onDirty, onStatus);
  }
}

/** Keys `404.html`, `5xx.json`, `default.txt`; what is called otherwise is told and left out. */
function readPages(key: string, object: ConfigMap, problem: (message: string) => void): RoutePages {
  const pages: RoutePage[] = [];
  for (const [name, text] of Object.entries(object.data ?? {})) {
    const [, status, extension = ''] = /^([45]\d\d|[45]xx|default)\.([a-z]+)$/.exec(name) ?? [];
    const contentType = CONTENT_TYPES[extension];
    if (status !== undefined && contentType !== undefined) pages.push({ status, contentType, text });
    else problem(`key ${name} is not like 404.html, 5xx.json or default.txt`);
  }
  return { key, pages };
}
