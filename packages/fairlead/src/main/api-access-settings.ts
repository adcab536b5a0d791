import type { Setting, SettingReader } from './settings.ts';

/** How a role reaches the API. */
export interface ApiAccess {
  readonly kubeconfig: string;
  /** URLs of servers of the same API, tried in turn. Empty: the one that the kubeconfig names. */
  readonly apiServers: readonly string[];
}

/** Settings of every role that is a client of the API. */
export const apiAccessSettings: readonly Setting[] = [
  { name: 'kubeconfig', value: 'FILE', description: 'how to reach the API (required)' },
  {
    name: 'api-servers',
    value: 'ADDR,ADDR…',
    description:
      'several servers of that API: the next is used when one cannot be reached (default: of the kubeconfig)',
  },
];

/** Reads {@link apiAccessSettings}; reports problems to the reader. `HOST:PORT` means HTTPS. */
export function readApiAccess(reader: SettingReader): ApiAccess {
  const apiServers = (reader.text('api-servers') ?? '')
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .map((text) => (text.includes('://') ? text : `https://${text}`));
  for (const server of apiServers) {
    const url = URL.canParse(server) ? new URL(server) : undefined;
    const isOrigin = url !== undefined && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === '';
    if (!isOrigin) reader.problems.push(`--api-servers ${server}: must be HOST:PORT or https://HOST:PORT`);
  }
  return { kubeconfig: reader.required('kubeconfig'), apiServers };
}
