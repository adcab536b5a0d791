import { BlockList, isIPv6 } from 'node:net';
import { GatewayError } from './gateway-error.ts';

/** How a set of keys is fetched. */
export interface KeyDownloadOptions {
  /** PEM certificates that are trusted besides the usual ones. Default none. */
  readonly ca?: readonly string[];
  /** Servers on this machine and link-local ones may be asked: for tests. Default false. */
  readonly allowsLocal?: boolean;
  readonly timeoutMs: number;
}

/** Longest set of keys, bytes. */
const MAX_BYTES = 1024 * 1024;

/** Addresses that are this machine's own, or of its cloud's metadata: no user of the API may have them asked. */
const LOCAL = new BlockList();
LOCAL.addSubnet('127.0.0.0', 8, 'ipv4');
LOCAL.addSubnet('0.0.0.0', 8, 'ipv4');
LOCAL.addSubnet('169.254.0.0', 16, 'ipv4');
LOCAL.addAddress('::1', 'ipv6');
LOCAL.addAddress('::', 'ipv6');
LOCAL.addSubnet('fe80::', 10, 'ipv6');
LOCAL.addSubnet('::ffff:127.0.0.0', 104, 'ipv6');
LOCAL.addSubnet('::ffff:169.254.0.0', 112, 'ipv6');

/**
 * Fetches a text over HTTPS (certificates are checked against the CAs of Node and of the system) or HTTP. Redirects
 * are not followed: who answers for keys is who was named.
 *
 * @throws GatewayError `keys` with one line for a log
 */
export async function downloadKeys(url: string, options: KeyDownloadOptions): Promise<string> {
  const isTls = url.startsWith('https:');
  // Loaded only where there are such keys: they cost a start 25 ms.
  const [{ request }, tls, { lookup }] = await Promise.all([
    isTls ? import('node:https') : import('node:http'),
    import('node:tls'),
    import('node:dns'),
  ]);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const fail = (message: string): void => reject(new GatewayError('keys', `${url}: ${message}`));
  const { hostname } = new URL(url);
  const literal = hostname.replace(/^\[(.*)\]$/, '$1');
  const isLocal = (address: string): boolean =>
    options.allowsLocal !== true && LOCAL.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  const outgoing = request(url, {
    headers: { accept: 'application/json' },
    agent: false,
    signal: AbortSignal.timeout(options.timeoutMs),
    ...(isTls
      ? { ca: [...tls.getCACertificates('default'), ...tls.getCACertificates('system'), ...(options.ca ?? [])] }
      : {}),
    lookup: (name, { family, all }, done) => {
      lookup(name, { all: true, ...(family === undefined ? {} : { family }) }, (error, found) => {
        const usable = (found ?? []).filter(({ address }) => !isLocal(address));
        const first = usable[0];
        if (error !== null || first === undefined) {
          done(error ?? new Error('has only local addresses'), '', 4);
        } else if (all === true) done(null, usable);
        else done(null, first.address, first.family);
      });
    },
  });
  // No look-up is made for an address.
  if (/^[\d.]+$|:/.test(literal) && isLocal(literal)) {
    outgoing.destroy();
    throw new GatewayError('keys', `${url}: is a local address`);
  }
  outgoing.on('error', (error) => fail(error.message));
  outgoing.on('response', (incoming) => {
    if (incoming.statusCode !== 200) {
      outgoing.destroy();
      fail(`answers ${incoming.statusCode}`);
      return;
    }
    const chunks: Buffer[] = [];
    let length = 0;
    incoming.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length <= MAX_BYTES) return;
      outgoing.destroy();
      fail(`is longer than ${MAX_BYTES} bytes`);
    });
    incoming.on('error', (error) => fail(error.message));
    incoming.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
  });
  outgoing.end();
  return promise;
}
