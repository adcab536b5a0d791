import type { RouteListener } from '../routing/route-table.ts';
import { EACCES, EADDRINUSE, EADDRNOTAVAIL, EPERM, errnoName } from '../sys/errno.ts';
import { GatewayError, type GatewayErrorCode } from './gateway-error.ts';

const CODES: ReadonlyMap<number, readonly [GatewayErrorCode, string]> = new Map([
  [EADDRINUSE, ['port-in-use', 'is already in use']],
  [EACCES, ['not-permitted', 'may not be used by this user (ports below 1024 need root)']],
  [EPERM, ['not-permitted', 'may not be used by this user (ports below 1024 need root)']],
  [EADDRNOTAVAIL, ['address-unavailable', 'is not an address of this machine']],
]);

/** Why a listener cannot be opened; `result` is a negative errno. */
export function listenError(listener: RouteListener, result: number): GatewayError {
  const [code, text] = CODES.get(-result) ?? ['listen-failed', `cannot be opened: ${errnoName(result)}`];
  const where = listener.address.includes(':') ? `[${listener.address}]` : listener.address;
  const message = `listener ${listener.name}: ${where} port ${listener.port} ${text}`;
  return new GatewayError(code, message, { listener: listener.name });
}

/** A listener whose address is none. */
export function badListener(listener: RouteListener): GatewayError {
  return new GatewayError(
    'bad-listener',
    `listener ${listener.name}: not an address: ${listener.address} port ${listener.port}`,
    { listener: listener.name },
  );
}
