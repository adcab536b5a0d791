import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';

/** How to reach an API server and who to be there. */
export interface ConnectConfig {
  /** `https://host:port`, possibly with a path prefix. */
  readonly server: string;
  /** Further servers of the same API, at the same path: the next is tried when one cannot be reached. Default none. */
  readonly otherServers?: readonly string[];
  /** PEM bundle; absent: the roots of the runtime. */
  readonly ca?: string;
  /** PEM client certificate and key. */
  readonly clientCertificate?: string;
  readonly clientKey?: string;
  readonly token?: string;
  /** Re-read on every connection: bound ServiceAccount tokens rotate. */
  readonly tokenFile?: string;
  /** Accept any server certificate. */
  readonly insecure?: boolean;
  /** Name checked in the server's certificate instead of the host. */
  readonly tlsServerName?: string;
  /** Namespace of the context; default `default`. */
  readonly namespace: string;
}

/** A kubeconfig that cannot be used; the message names the file and the field. */
export class KubeconfigError extends Error {
  override readonly name: string = 'KubeconfigError';
}

type Mapping = Readonly<Record<string, unknown>>;

function mapping(value: unknown): Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Mapping) : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/**
 * Reads one context of a kubeconfig file: certificates, keys and tokens inline or from files beside it.
 * @param context name of the context; default the file's `current-context`
 * @throws KubeconfigError when the file is unreadable, incomplete, or asks for an exec plugin
 */
export function loadKubeconfig(file: string, context?: string): ConnectConfig {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    throw new KubeconfigError(`kubeconfig ${file}: ${(error as Error).message}`);
  }
  return parseKubeconfig(content, { file, ...(context === undefined ? {} : { context }) });
}

/** JSON is YAML too, and reading it does not need the YAML library, which takes some 30 ms to load. */
function parseYamlOrJson(content: string): unknown {
  if (content.startsWith('{')) return JSON.parse(content);
  return (createRequire(import.meta.url)('yaml') as typeof import('yaml')).parse(content);
}

/** As {@link loadKubeconfig}, from text; `file` is named in errors and relative paths start beside it. */
export function parseKubeconfig(
  content: string,
  options: { readonly file: string; readonly context?: string },
): ConnectConfig {
  const { file } = options;
  const fail = (problem: string): never => {
    throw new KubeconfigError(`kubeconfig ${file}: ${problem}`);
  };
  let root: Mapping = {};
  try {
    root = mapping(parseYamlOrJson(content));
  } catch (error) {
    fail((error as Error).message.split('\n')[0] ?? 'not YAML');
  }
  const entry = (list: string, field: string, name: string): Mapping => {
    const entries = Array.isArray(root[list]) ? (root[list] as unknown[]) : [];
    const found = entries.map(mapping).find((candidate) => candidate.name === name);
    return found === undefined ? fail(`${list}: no entry named "${name}"`) : mapping(found[field]);
  };
  const contextName = options.context ?? text(root['current-context']) ?? fail('current-context is not set');
  const context = entry('contexts', 'context', contextName);
  const cluster = entry('clusters', 'cluster', text(context.cluster) ?? fail(`context "${contextName}": no cluster`));
  const userName = text(context.user);
  const user = userName === undefined ? {} : entry('users', 'user', userName);
  if (user.exec !== undefined) fail(`user "${userName}": exec plugins are not supported`);

  const read = (path: string): string => {
    try {
      return readFileSync(resolve(dirname(file), path), 'utf8');
    } catch (error) {
      return fail((error as Error).message);
    }
  };
  const pem = (source: Mapping, field: string): string | undefined => {
    const data = text(source[`${field}-data`]);
    if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8');
    const path = text(source[field]);
    return path === undefined ? undefined : read(path);
  };
  const server = text(cluster.server) ?? fail(`cluster "${context.cluster}": no server`);
  if (!URL.canParse(server)) fail(`server: "${server}" is not a URL`);
  const ca = pem(cluster, 'certificate-authority');
  const clientCertificate = pem(user, 'client-certificate');
  const clientKey = pem(user, 'client-key');
  const token = text(user.token);
  const tokenFile = text(user.tokenFile);
  const tlsServerName = text(cluster['tls-server-name']);
  return {
    server,
    namespace: text(context.namespace) ?? 'default',
    ...(ca === undefined ? {} : { ca }),
    ...(clientCertificate === undefined ? {} : { clientCertificate }),
    ...(clientKey === undefined ? {} : { clientKey }),
    ...(token === undefined ? {} : { token }),
    ...(tokenFile === undefined ? {} : { tokenFile: resolve(dirname(file), tokenFile) }),
    ...(cluster['insecure-skip-tls-verify'] === true ? { insecure: true } : {}),
    ...(tlsServerName === undefined ? {} : { tlsServerName }),
  };
}
