import {
  type Cidr,
  cidrContains,
  formatCidr,
  formatIp,
  type IpAddress,
  isLinkLocal,
  isLinkLocalMulticast,
  isLoopback,
  isUnspecified,
  parseCidr,
  parseIp,
} from '@fairlead/api/ip';
import type { Environment, Optional } from '@marcbachmann/cel-js';
import { evaluationError, optionalNone, optionalOf } from './cel-library.ts';

/** An address in CEL: type `net.IP`. */
class CelIp {
  readonly address: IpAddress;

  constructor(address: IpAddress) {
    this.address = address;
  }
}

/** An address range in CEL: type `net.CIDR`. */
class CelCidr {
  readonly cidr: Cidr;
  readonly text: string;

  constructor(cidr: Cidr, text: string) {
    this.cidr = cidr;
    this.text = text;
  }
}

/** A URL in CEL: type `kubernetes.URL`. Scheme and host are optional, as a path is a URL too. */
class CelUrl {
  readonly text: string;
  readonly scheme: string;
  readonly host: string;
  readonly hostname: string;
  readonly port: string;
  readonly path: string;
  readonly query: URLSearchParams;

  constructor(text: string) {
    this.text = text;
    const url = new URL(text, text.startsWith('/') ? 'http://none.invalid' : undefined);
    const relative = text.startsWith('/');
    this.scheme = relative ? '' : url.protocol.slice(0, -1);
    this.hostname = relative ? '' : url.hostname.replace(/^\[|\]$/g, '');
    const explicit = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#]*@)?(?:\[[^\]]*\]|[^:/?#]*):([0-9]+)/i.exec(text);
    this.port = relative ? '' : (explicit?.[1] ?? '');
    this.host = relative ? '' : this.port === '' ? url.hostname : `${url.hostname}:${this.port}`;
    this.path = url.pathname === '/' && !/\/(?:$|[?#])/.test(text.replace(/^[a-z]+:\/\//i, '')) ? '' : url.pathname;
    this.query = url.searchParams;
  }
}

class IpNamespace {}

/** Kubernetes' ip, cidr and url libraries (1.31). */
export function registerNetworkFunctions(env: Environment): void {
  env.registerType('net.IP', CelIp).registerType('net.CIDR', CelCidr).registerType('kubernetes.URL', CelUrl);
  env.registerType('IpNamespace', IpNamespace).registerConstant('ip', 'IpNamespace', new IpNamespace());
  const family = ({ address }: CelIp): bigint => BigInt(address.family);
  env.registerFunction('isIP(string): bool', (text: string) => isPlainIp(text));
  env.registerFunction('ip(string): net.IP', (text: string) => ipOf(text));
  env.registerFunction(
    'IpNamespace.isCanonical(string): bool',
    (_: unknown, text: string) => formatIp(ipOf(text).address) === text,
  );
  env.registerFunction('net.IP.family(): int', family);
  env.registerFunction('net.IP.isUnspecified(): bool', ({ address }: CelIp) => isUnspecified(address));
  env.registerFunction('net.IP.isLoopback(): bool', ({ address }: CelIp) => isLoopback(address));
  env.registerFunction('net.IP.isLinkLocalMulticast(): bool', ({ address }: CelIp) => isLinkLocalMulticast(address));
  env.registerFunction('net.IP.isLinkLocalUnicast(): bool', ({ address }: CelIp) => isLinkLocal(address));
  env.registerFunction('net.IP.isGlobalUnicast(): bool', ({ address }: CelIp) => isGlobalUnicast(address));
  env.registerFunction('string(net.IP): string', ({ address }: CelIp) => formatIp(address));
  env.registerOperator('net.IP == net.IP', (a: CelIp, b: CelIp) => formatIp(a.address) === formatIp(b.address));
  env.registerFunction('isCIDR(string): bool', (text: string) => isPlainCidr(text));
  env.registerFunction('cidr(string): net.CIDR', (text: string) => cidrOf(text));
  env.registerFunction('net.CIDR.containsIP(net.IP): bool', ({ cidr }: CelCidr, { address }: CelIp) =>
    cidrContains(cidr, address),
  );
  env.registerFunction('net.CIDR.containsIP(string): bool', ({ cidr }: CelCidr, text: string) =>
    cidrContains(cidr, ipOf(text).address),
  );
  const containsCidr = (outer: Cidr, inner: Cidr): boolean =>
    inner.prefix >= outer.prefix && cidrContains(outer, { family: inner.family, value: inner.network });
  env.registerFunction('net.CIDR.containsCIDR(net.CIDR): bool', (a: CelCidr, b: CelCidr) =>
    containsCidr(a.cidr, b.cidr),
  );
  env.registerFunction('net.CIDR.containsCIDR(string): bool', (a: CelCidr, text: string) =>
    containsCidr(a.cidr, cidrOf(text).cidr),
  );
  env.registerFunction('net.CIDR.ip(): net.IP', ({ text }: CelCidr) => ipOf(text.slice(0, text.indexOf('/'))));
  env.registerFunction('net.CIDR.prefixLength(): int', ({ cidr }: CelCidr) => BigInt(cidr.prefix));
  env.registerFunction('net.CIDR.masked(): net.CIDR', ({ cidr }: CelCidr) => new CelCidr(cidr, formatCidr(cidr)));
  env.registerFunction('string(net.CIDR): string', ({ text }: CelCidr) => text);
  env.registerOperator('net.CIDR == net.CIDR', (a: CelCidr, b: CelCidr) => a.text === b.text);
  env.registerFunction('isURL(string): bool', (text: string) => isUrl(text));
  env.registerFunction('url(string): kubernetes.URL', (text: string) => {
    if (!isUrl(text))
      throw evaluationError(
        `URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`,
      );
    return new CelUrl(text);
  });
  env.registerOperator('kubernetes.URL == kubernetes.URL', (a: CelUrl, b: CelUrl) => a.text === b.text);
  env.registerFunction('kubernetes.URL.getScheme(): string', (url: CelUrl) => url.scheme);
  env.registerFunction('kubernetes.URL.getHost(): string', (url: CelUrl) => url.host);
  env.registerFunction('kubernetes.URL.getHostname(): string', (url: CelUrl) => url.hostname);
  env.registerFunction('kubernetes.URL.getPort(): string', (url: CelUrl) => url.port);
  env.registerFunction('kubernetes.URL.getEscapedPath(): string', (url: CelUrl) => url.path);
  env.registerFunction('kubernetes.URL.getQuery(): map<string, list<string>>', ({ query }: CelUrl) =>
    Object.fromEntries([...new Set(query.keys())].map((key) => [key, query.getAll(key)])),
  );
}

/** Optional list of reasons, as format validation gives it. */
export function optionalReasons(reasons: readonly string[]): Optional<readonly string[]> {
  return reasons.length === 0 ? optionalNone() : optionalOf(reasons);
}

function isPlainIp(text: string): boolean {
  return !/^::ffff:[0-9.]+$/i.test(text) && parseIp(text) !== undefined;
}

function ipOf(text: string): CelIp {
  const address = isPlainIp(text) ? parseIp(text) : undefined;
  if (address === undefined)
    throw evaluationError(
      `IP Address ${JSON.stringify(text)} parse error during conversion from string: ParseAddr(${JSON.stringify(text)}): unable to parse IP`,
    );
  return new CelIp(address);
}

/** The base may have host bits: only the form of address and length counts. */
function looseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  const address = slash < 0 ? undefined : parseIp(text.slice(0, slash));
  if (
    address === undefined ||
    !isPlainIp(text.slice(0, slash)) ||
    !/^(?:0|[1-9][0-9]{0,2})$/.test(text.slice(slash + 1))
  )
    return undefined;
  return parseCidr(text);
}

function isPlainCidr(text: string): boolean {
  return looseCidr(text) !== undefined;
}

function cidrOf(text: string): CelCidr {
  const cidr = looseCidr(text);
  if (cidr === undefined)
    throw evaluationError(
      `network address parse error during conversion from string: netip.ParsePrefix(${JSON.stringify(text)}): no '/'`,
    );
  return new CelCidr(cidr, text);
}

function isGlobalUnicast(address: IpAddress): boolean {
  const text = formatIp(address);
  const multicast = address.family === 4 ? Number(text.split('.', 1)[0]) >= 224 : /^ff/i.test(text);
  return !multicast && !isUnspecified(address) && !isLoopback(address) && !isLinkLocal(address);
}

function isUrl(text: string): boolean {
  if (/\s/.test(text)) return false;
  return text.startsWith('/') || (/^[a-z][a-z0-9+.-]*:\/\/./i.test(text) && URL.canParse(text));
}
