import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { nodeHttp } from '../../sys/node-http.ts';
import type { AskResponder } from './stapler.ts';

/** A response with its certificates has a few KB. */
const RESPONSE_MAX_BYTES = 64 * 1024;
const ANSWER_MS = 10_000;

/** Networks that a certificate must not make the gateway ask: private ones, this machine, its links (RFC 6890). */
const INNER = { 4: new BlockList(), 6: new BlockList() };
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  INNER[4].addSubnet(network, prefix, 'ipv4');
}
// Of IPv6 only 2000::/3 is public; what maps IPv4 is not.
for (const [network, prefix] of [
  ['::', 3],
  ['4000::', 2],
  ['8000::', 1],
] as const) {
  INNER[6].addSubnet(network, prefix, 'ipv6');
}

/** Whether an address is one of the public Internet. */
export function isPublicAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 6) return !INNER[6].check(address, 'ipv6');
  return version === 4 && !INNER[4].check(address, 'ipv4');
}

/**
 * Asks OCSP responders over HTTP (RFC 6960 A.1): POST, no redirects, one address.
 *
 * @param reach `public`: whoever owns a Secret also names its responder, so inner addresses are not asked; `any`: all are.
 */
export function askResponder(reach: 'public' | 'any'): AskResponder {
  return async (url, body, signal) => {
    const { hostname, port, pathname, search } = new URL(url);
    const { address } = await lookup(hostname.replace(/^\[|\]$/g, ''));
    if (reach === 'public' && !isPublicAddress(address))
      throw new Error(`${hostname} is no public address (${address})`);
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const asked = nodeHttp.request({
      host: address,
      port: port === '' ? 80 : Number(port),
      path: `${pathname}${search}`,
      method: 'POST',
      headers: {
        host: port === '' ? hostname : `${hostname}:${port}`,
        'content-type': 'application/ocsp-request',
        'content-length': body.length,
        connection: 'close',
      },
      agent: false,
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    });
    asked.on('error', reject);
    asked.on('response', (response) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      if (response.statusCode !== 200) {
        reject(new Error(`the responder answers ${response.statusCode}`));
        asked.destroy();
        return;
      }
      response.on('error', reject);
      response.on('data', (part: Buffer) => {
        parts.push(part);
        bytes += part.length;
        if (bytes <= RESPONSE_MAX_BYTES) return;
        reject(new Error('the response is too long'));
        asked.destroy();
      });
      response.on('end', () => resolve(Buffer.concat(parts)));
    });
    asked.end(body);
    return promise;
  };
}
