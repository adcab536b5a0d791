import type { ApiClient } from '@fairlead/client';
import type { Print } from '../apply.ts';
import { UsageError } from '../usage-error.ts';
import { explain } from './explain.ts';
import { formatExplanation, type Question, type Source } from './explanation.ts';
import { readWorld } from './world.ts';

/** What `fairlead explain` was asked for. */
export interface ExplainOptions {
  /** URL, `host`, or `host:port`. */
  readonly target: string;
  /** `pod/NS/NAME`, `node/NAME` or `external`. */
  readonly from?: string;
  /** `name: value`, for a URL. */
  readonly headers: readonly string[];
  readonly udp: boolean;
  readonly output?: 'json';
  readonly clusterDomain: string;
  /** Zone of the DNS server for clients outside; absent: it has none. */
  readonly externalZone?: string;
  /** Default `clusterset.local`. */
  readonly clustersetZone?: string;
}

/** Reads `--from`. */
function parseSource(text: string): Source {
  const parts = text.split('/');
  if (text === 'external') return { kind: 'external' };
  if (parts[0] === 'node' && parts.length === 2 && parts[1]) return { kind: 'node', name: parts[1] };
  if (parts[0] === 'pod' && parts.length === 3 && parts[1] && parts[2]) {
    return { kind: 'pod', namespace: parts[1], name: parts[2] };
  }
  throw new UsageError(`--from ${text}: must be pod/NAMESPACE/NAME, node/NAME or external`);
}

/** Reads the question of a command line. */
export function parseQuestion(options: Omit<ExplainOptions, 'clusterDomain' | 'output'>): Question {
  const source = options.from === undefined ? {} : { source: parseSource(options.from) };
  const protocol = options.udp ? 'UDP' : 'TCP';
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(options.target)) {
    if (options.headers.length > 0) throw new UsageError('-H needs a URL');
    const match = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(options.target);
    const port = Number(match?.[2] ?? 80);
    if (match === null || port > 65_535) throw new UsageError(`${options.target}: must be a URL, HOST or HOST:PORT`);
    return { host: (match[1] ?? '').replace(/^\[|\]$/g, ''), port, protocol, ...source };
  }
  const url = URL.parse(options.target);
  if (url === null || !/^https?:$/.test(url.protocol)) throw new UsageError(`${options.target}: must be an http URL`);
  const headers = new Map([['host', url.host]]);
  for (const header of options.headers) {
    const colon = header.indexOf(':');
    if (colon <= 0) throw new UsageError(`-H ${header}: must be NAME: VALUE`);
    headers.set(header.slice(0, colon).trim().toLowerCase(), header.slice(colon + 1).trim());
  }
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  const request = { method: 'GET', target: `${url.pathname}${url.search}`, headers };
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port, protocol, request, ...source };
}

/** `fairlead explain`: where a connection ends, and why at each step. */
export async function explainCommand(client: ApiClient, options: ExplainOptions, print: Print): Promise<void> {
  const question = parseQuestion(options);
  const { externalZone, clustersetZone } = options;
  const world = await readWorld(client, options.clusterDomain, {
    ...(externalZone === undefined ? {} : { external: externalZone }),
    ...(clustersetZone === undefined ? {} : { clusterset: clustersetZone }),
  });
  const explanation = explain(world, question, 'fairlead');
  if (options.output === 'json') print(JSON.stringify(explanation, undefined, 2));
  else for (const line of formatExplanation(explanation)) print(line);
}
