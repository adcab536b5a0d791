import { isIP } from 'node:net';

/**
 * Address of the client behind trusted proxies: the rightmost of X-Forwarded-For that is none of them. Each
 * proxy appends the address that it saw, so what lies further left is only what the client says. An entry
 * that is no address ends the search: the last good one counts.
 */
export function clientAddress(
  peer: string,
  forwardedFor: string | undefined,
  isTrusted: (address: string) => boolean,
): string {
  let found = peer;
  for (const entry of (forwardedFor ?? '').split(',').reverse()) {
    const address = bareAddress(entry.trim());
    if (address === undefined) return found;
    found = address;
    if (!isTrusted(address)) return found;
  }
  return found;
}

/** Without port and brackets, IPv4 in IPv6 as IPv4. */
function bareAddress(text: string): string | undefined {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1];
  const address = bracketed ?? (/^[\d.]+:\d+$/.test(text) ? text.slice(0, text.indexOf(':')) : text);
  if (isIP(address) === 0) return undefined;
  return address.toLowerCase().startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
