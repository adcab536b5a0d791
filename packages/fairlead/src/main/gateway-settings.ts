import { parseCidr } from '@fairlead/api';
import type { GatewayOptions } from '../gateway/start.ts';
import type { ListenerService } from '../routing/route-table.ts';
import { type GatewayClientOptions, gatewayClientSettings, readGatewayClients } from './gateway-client-settings.ts';
import { type ListenAddress, parseListenAddress, type Setting, type SettingReader } from './settings.ts';

/** Nobody has so many proxies in front. */
const HOPS_MAX = 16;

/** A TCP or UDP port of the gateway and the Service ports behind it. */
export interface GatewayRelay {
  readonly protocol: 'tcp' | 'udp';
  readonly listen: ListenAddress;
  /** Who gets the connections, by weight; at least one. */
  readonly services: readonly ListenerService[];
}

/** Settings of what the gateway does below HTTP, and of its versions. */
export const gatewayL4Settings: readonly Setting[] = [
  {
    name: 'gateway-tcp',
    value: '[ADDR:]PORT=NAMESPACE/SERVICE:PORT[@WEIGHT],...',
    description: 'relay a TCP port to a Service, or to several by weight',
    repeatable: true,
  },
  {
    name: 'gateway-udp',
    value: '[ADDR:]PORT=NAMESPACE/SERVICE:PORT[@WEIGHT],...',
    description: 'relay a UDP port to a Service, or to several by weight',
    repeatable: true,
  },
  {
    name: 'gateway-proxy-protocol-from',
    value: 'CIDRS',
    description: 'proxies whose connections to the gateway begin with a PROXY protocol header',
  },
  {
    name: 'gateway-trusted-proxies',
    value: 'CIDRS',
    description: 'proxies in front whose X-Forwarded-* fields are believed (default: none)',
  },
  {
    name: 'gateway-trusted-hops',
    value: 'N',
    description: 'how many proxies are in front, in place of or besides their addresses',
  },
  {
    name: 'gateway-client-header',
    value: 'NAME',
    description: 'where they tell of clients: x-forwarded-for (default) or forwarded, which is then sent on, too',
  },
  {
    name: 'gateway-https-public-port',
    value: 'PORT',
    description: 'port that clients reach HTTPS at, for redirects (default: that of --gateway-https)',
  },
  { name: 'gateway-http3', description: 'serve HTTP/3 too, at the UDP port of --gateway-https (experimental)' },
  ...gatewayClientSettings,
];

/** `5432=default/db:5432`, `127.0.0.1:53=kube-system/dns:dns`, `80=a/old:80@9,a/new:80@1`; undefined if it is none. */
function parseRelay(protocol: GatewayRelay['protocol'], text: string): GatewayRelay | undefined {
  const equals = text.indexOf('=');
  const at = text.slice(0, Math.max(0, equals));
  const listen = parseListenAddress(/^\d+$/.test(at) ? `:${at}` : at);
  const services = text
    .slice(equals + 1)
    .split(',')
    .map(parseService);
  if (listen === undefined || listen.port === 0 || services.includes(undefined)) return undefined;
  return { protocol, listen, services: services.filter((service) => service !== undefined) };
}

/** `NAMESPACE/SERVICE:PORT`, with `@WEIGHT` from 0 to 1,000,000 behind it. */
function parseService(text: string): ListenerService | undefined {
  const [, namespace = '', name = '', port = '', weight = '1'] =
    /^([^/:=@]+)\/([^/:=@]+):([a-z0-9-]+)(?:@(\d{1,7}))?$/.exec(text) ?? [];
  if (name === '' || Number(weight) > 1_000_000) return undefined;
  return { namespace, name, port: /^\d+$/.test(port) ? Number(port) : port, weight: Number(weight) };
}

/** Reads {@link gatewayL4Settings}; problems go to the reader. */
export function readGatewayL4(reader: SettingReader): {
  readonly relays: readonly GatewayRelay[];
  readonly proxyProtocolFrom: readonly string[];
  readonly trust: Required<Pick<GatewayOptions, 'trustedProxies' | 'clientField'>> &
    Pick<GatewayOptions, 'trustedHops'>;
  /** Undefined: the port that the gateway listens at. */
  readonly httpsPublicPort: number | undefined;
  readonly http3: boolean;
} & GatewayClientOptions {
  const relays = (['tcp', 'udp'] as const).flatMap((protocol) =>
    reader.texts(`gateway-${protocol}`).flatMap((text) => {
      const relay = parseRelay(protocol, text);
      if (relay !== undefined) return [relay];
      reader.problems.push(`--gateway-${protocol} ${text}: must be [ADDRESS:]PORT=NAMESPACE/SERVICE:PORT[@WEIGHT],...`);
      return [];
    }),
  );
  const taken = new Set<string>();
  for (const { protocol, listen } of relays) {
    const key = `${protocol} ${listen.port}`;
    if (taken.has(key)) reader.problems.push(`--gateway-${protocol} ${listen.port}: given twice`);
    taken.add(key);
  }
  const proxyProtocolFrom = readRanges(reader, 'gateway-proxy-protocol-from');
  const given = (name: string, most: number): number | undefined =>
    reader.text(name) === undefined ? undefined : reader.integer(name, 1, 1, most);
  const trustedHops = given('gateway-trusted-hops', HOPS_MAX);
  return {
    relays,
    proxyProtocolFrom,
    trust: {
      trustedProxies: readRanges(reader, 'gateway-trusted-proxies'),
      clientField: reader.oneOf('gateway-client-header', ['x-forwarded-for', 'forwarded'], 'x-forwarded-for'),
      ...(trustedHops === undefined ? {} : { trustedHops }),
    },
    httpsPublicPort: given('gateway-https-public-port', 65_535),
    ...readGatewayClients(reader),
    http3: reader.switched('gateway-http3'),
  };
}

/** Address ranges, or single addresses, separated by commas. */
function readRanges(reader: SettingReader, name: string): string[] {
  const ranges = (reader.text(name) ?? '').split(',').filter((part) => part !== '');
  for (const cidr of ranges) {
    if (parseCidr(cidr.includes('/') ? cidr : `${cidr}/${cidr.includes(':') ? 128 : 32}`) === undefined) {
      reader.problems.push(`--${name} ${cidr}: must be an address range`);
    }
  }
  return ranges;
}

/** The same settings, checked, as flags for the gateway's process. */
export function gatewayL4Args(reader: SettingReader): readonly string[] {
  const before = reader.problems.length;
  readGatewayL4(reader);
  if (reader.problems.length > before) return [];
  const relays = (['gateway-tcp', 'gateway-udp'] as const).flatMap((name) =>
    reader.texts(name).flatMap((text) => [`--${name}`, text]),
  );
  const others = gatewayL4Settings.flatMap(({ name, repeatable, value }) => {
    if (value === undefined) return reader.switched(name) ? [`--${name}`] : [];
    const text = repeatable === true ? undefined : reader.text(name);
    return text === undefined ? [] : [`--${name}`, text];
  });
  return [...relays, ...others];
}
