import type { TapNames } from './tap-names.ts';
import { addressOf, TAP_KINDS, type TapKind, type TapRow } from './tap-row.ts';

/** Which rows are wanted; all of what is given must hold. */
export interface TapFilter {
  readonly kinds: readonly TapKind[];
  /** `namespace/name`: requests and connections to the Service, queries of its name. */
  readonly service?: string;
  /** `namespace/name`: whatever the Pod does or gets. */
  readonly pod?: string;
  /** Of requests and queries; lower-case. */
  readonly host?: string;
  /** How the target of a request begins. */
  readonly path?: string;
}

/** Reads `request,query`; undefined when one of them is no kind. */
export function readKinds(text: string): readonly TapKind[] | undefined {
  const kinds = text.split(',').map((name) => TAP_KINDS.find((kind) => kind === name.trim()));
  return kinds.includes(undefined) ? undefined : (kinds as TapKind[]);
}

/** Whether a row is wanted. */
export function isWanted(row: TapRow, filter: TapFilter, names: TapNames): boolean {
  const { kinds, service, pod, host, path } = filter;
  if (!kinds.includes(row.kind)) return false;
  if (path !== undefined && !(row.kind === 'request' && row.target?.startsWith(path) === true)) return false;
  if (host !== undefined && hostOf(row) !== host) return false;
  if (service !== undefined && !isOfService(row, service, names)) return false;
  return pod === undefined || addressesOf(row).some((address) => names.pod(address) === pod);
}

function hostOf(row: TapRow): string | undefined {
  if (row.kind === 'connection') return undefined;
  const text = row.kind === 'query' ? row.name.replace(/\.$/, '') : row.host?.replace(/:\d+$/, '');
  return text?.toLowerCase();
}

function isOfService(row: TapRow, service: string, names: TapNames): boolean {
  switch (row.kind) {
    case 'request':
      return row.backend?.startsWith(`${service}:`) === true;
    case 'query': {
      const [namespace, name] = service.split('/');
      return `.${row.name.toLowerCase()}`.includes(`.${name}.${namespace}.svc.`);
    }
    case 'connection':
      return names.service(row.protocol, row.to)?.startsWith(`${service}:`) === true;
  }
}

/** Whose addresses a row names, both ends. */
function addressesOf(row: TapRow): readonly string[] {
  switch (row.kind) {
    case 'request':
      return row.upstream === undefined ? [row.client] : [row.client, addressOf(row.upstream)];
    case 'query':
      return [row.client];
    case 'connection':
      return [row.client.ip, row.endpoint.ip];
  }
}
