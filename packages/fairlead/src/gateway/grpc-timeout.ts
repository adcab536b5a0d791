// Hot path for gRPC: the caller's deadline.
import type { RequestHead } from '../wire/http1/request-head.ts';

const NAME = Buffer.from('grpc-timeout');
const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };
const TIMEOUT = /^(\d{1,8})([HMSmun])$/;

/**
 * Milliseconds that a gRPC request may take: what the caller says in `grpc-timeout` (gRPC over
 * HTTP/2), at most `routeMs`. Where the route allows less, its limit takes the place of the caller's
 * in the head, so that the endpoint gives up when we do; where it does not fit there, the field goes.
 */
export function takeGrpcTimeout(head: RequestHead, routeMs: number): number {
  for (let index = 0; index < head.fieldCount; index++) {
    if (!head.isNamed(index, NAME)) continue;
    const [start, end] = [head.valueStart(index), head.valueEnd(index)];
    const match = TIMEOUT.exec(Buffer.from(head.bytes.subarray(start, end)).toString('latin1'));
    if (match === null) return routeMs;
    const callerMs = Number(match[1]) * UNIT_MS[match[2]!]!;
    if (callerMs <= routeMs) return callerMs;
    const shorter = Buffer.from(timeoutText(routeMs, end - start));
    if (shorter.length !== end - start) head.dropped[index] = 1;
    else head.bytes.set(shorter, start);
    return routeMs;
  }
  return routeMs;
}

/** A time in exactly `length` bytes, as leading zeros are digits; not longer than asked for. */
function timeoutText(ms: number, length: number): string {
  for (const unit of ['m', 'S', 'M', 'H']) {
    const digits = String(Math.floor(ms / UNIT_MS[unit]!));
    if (digits.length < length && digits !== '0') return `${digits.padStart(length - 1, '0')}${unit}`;
  }
  return '';
}
