import type { CertificateNames } from '../sys/certificate-names.ts';
import { readWord } from './annotation-values.ts';
import type { AnnotationProblem } from './read-backend-policy.ts';
import type { BackendTls } from './route-table.ts';

/** Where the CAs come from that must have signed an endpoint's certificate. */
export type CaRef =
  | { readonly type: 'secret' | 'configmap' /** `namespace/name`. */; readonly key: string }
  | { readonly type: 'system' };

/** What annotations of an Ingress or a Service say about connections to endpoints. What is absent was not said. */
export interface BackendConnection {
  readonly protocol?: 'http1' | 'h2c' | 'https';
  /** With `https`. */
  readonly versions?: NonNullable<BackendTls['versions']>;
  readonly ca?: CaRef;
  readonly serverName?: string;
  readonly names?: CertificateNames;
  /** `namespace/name` of the Secret with the gateway's own certificate. */
  readonly identity?: string;
  /** A check that was asked for and cannot be made out: requests get 503, for without it they would go to anybody. */
  readonly broken?: string;
}

/** Annotations of an Ingress, and of a Service; those of the Ingress win. */
const PREFIX = 'fairlead.dev/backend-';

const PROTOCOLS: Readonly<Record<string, Pick<BackendConnection, 'protocol' | 'versions'>>> = {
  HTTP: { protocol: 'http1' },
  HTTPS: { protocol: 'https', versions: 'http1' },
  H2: { protocol: 'https', versions: 'http2-or-http1' },
  GRPC: { protocol: 'h2c' },
  GRPCS: { protocol: 'https', versions: 'http2' },
};
const OBJECT_NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
const DNS_NAME = /^[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const URI = /^[a-z][a-z0-9+.-]*:[!-~]+$/i;

/** What was read, and what of it is wrong. */
export interface ConnectionAnnotations {
  /** Undefined: nothing was said. */
  readonly connection: BackendConnection | undefined;
  readonly problems: readonly AnnotationProblem[];
}

/**
 * Reads `fairlead.dev/backend-…`. A wrong protocol or server name counts as absent; a CA, a list of names or a
 * client certificate that cannot be read closes the backend.
 */
export function readBackendConnection(
  annotations: Readonly<Record<string, string>> | undefined,
  namespace: string,
): ConnectionAnnotations {
  const problems: AnnotationProblem[] = [];
  let connection: BackendConnection = {};
  const take = (name: string, read: (text: string) => BackendConnection | string, closes: boolean): void => {
    const text = annotations?.[`${PREFIX}${name}`]?.trim() ?? '';
    if (text === '') return;
    const result = read(text);
    if (typeof result !== 'string') connection = { ...connection, ...result };
    else {
      problems.push({ field: `metadata.annotations[${PREFIX}${name}]`, message: result });
      if (closes) connection = { ...connection, broken: `${PREFIX}${name}` };
    }
  };
  const secret = (text: string, use: (key: string) => BackendConnection): BackendConnection | string =>
    OBJECT_NAME.test(text) ? use(`${namespace}/${text}`) : `'${text}' is not the name of a Secret`;
  take('protocol', readProtocol, false);
  take('server-name', readServerName, false);
  take('ca-secret', (text) => secret(text, (key) => ({ ca: { type: 'secret', key } })), true);
  take('ca', (text) => readCa(text, namespace), true);
  take('names', readNames, true);
  take('client-secret', (text) => secret(text, (identity) => ({ identity })), true);
  return { connection: Object.keys(connection).length === 0 ? undefined : connection, problems };
}

function readProtocol(text: string): BackendConnection | string {
  const word = readWord(text.toUpperCase(), Object.keys(PROTOCOLS));
  return word.ok ? PROTOCOLS[word.value]! : word.message;
}

function readServerName(text: string): BackendConnection | string {
  const serverName = text.toLowerCase();
  return DNS_NAME.test(serverName) ? { serverName } : `'${text}' is not a DNS name`;
}

/** `system`, `secret NAME` or `configmap NAME`. */
function readCa(text: string, namespace: string): BackendConnection | string {
  if (text === 'system') return { ca: { type: 'system' } };
  const [type = '', name = '', more] = text.split(/\s+/);
  if ((type === 'secret' || type === 'configmap') && more === undefined && OBJECT_NAME.test(name)) {
    return { ca: { type, key: `${namespace}/${name}` } };
  }
  return `'${text}' is none of system, secret NAME, configmap NAME`;
}

/** `dns inner.example, uri spiffe://…`: any of them. */
function readNames(text: string): BackendConnection | string {
  const dns: string[] = [];
  const uris: string[] = [];
  for (const part of text.split(',').map((each) => each.trim())) {
    const [type = '', name = '', more] = part.split(/\s+/);
    if (type === 'dns' && more === undefined && DNS_NAME.test(name.toLowerCase())) dns.push(name.toLowerCase());
    else if (type === 'uri' && more === undefined && URI.test(name)) uris.push(name);
    else return `'${part}' is neither dns NAME nor uri URI`;
  }
  return { names: { dns, uris } };
}

/** What an Ingress says over what the Service says, with what follows from it. */
export function mergeConnections(
  ofIngress: BackendConnection | undefined,
  ofService: BackendConnection | undefined,
): BackendConnection {
  const merged: BackendConnection = { ...ofService, ...ofIngress };
  const { protocol, ca, names, identity, broken } = merged;
  // A check or an identity without a protocol can only be meant as HTTPS; plain text would be worse than a mistake.
  const needsTls = ca !== undefined || names !== undefined || identity !== undefined || broken !== undefined;
  return {
    ...merged,
    ...(protocol === undefined && needsTls ? { protocol: 'https' } : {}),
    // Names on a certificate that nobody vouches for mean nothing.
    ...(names !== undefined && ca === undefined ? { ca: { type: 'system' } } : {}),
  };
}

/** Tells the backends of one Service port apart that Ingresses want to be spoken to differently; empty for the usual. */
export function connectionKey(connection: BackendConnection | undefined): string {
  if (connection === undefined) return '';
  const { protocol, versions, ca, serverName, names, identity, broken } = connection;
  const caText = ca === undefined ? '' : ca.type === 'system' ? 'system' : `${ca.type} ${ca.key}`;
  const nameText = names === undefined ? '' : [...names.dns, ...names.uris].join(' ');
  const parts = [protocol ?? '', versions ?? '', caText, serverName ?? '', nameText, identity ?? '', broken ?? ''];
  return `#${parts.join(',').replace(/,+$/, '')}`;
}
