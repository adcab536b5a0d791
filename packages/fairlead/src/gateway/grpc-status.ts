import type { FieldList } from '../wire/http2/field-list.ts';
import { isGrpc } from '../wire/http2/to-http1.ts';

/** Of an answer that is no gRPC, in the place of a status. */
export const NOT_GRPC = -2;
/** Of a gRPC answer whose status is still to come, in its trailers. */
export const GRPC_PENDING = -1;
/** Of a call that ended without a status (gRPC's UNKNOWN). */
export const GRPC_UNKNOWN = 2;

const STATUS = Buffer.from('grpc-status');
/**
 * The HTTP status that says the same about the endpoint, by gRPC code (google/rpc/code.proto, as Envoy counts them):
 * UNAVAILABLE is a 503, and NOT_FOUND nobody's failure.
 */
const HTTP_STATUSES = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];

/** What an answer's status says about its endpoint, as an HTTP status; codes that gRPC does not know count as UNKNOWN. */
export function httpStatusOf(grpcStatus: number): number {
  return HTTP_STATUSES[grpcStatus] ?? 500;
}

/** Status of an answer by its head: known at once where there is nothing else (Trailers-Only). */
export function grpcStatusOfHead(fields: FieldList, endStream: boolean): number {
  if (!isGrpc(fields)) return NOT_GRPC;
  return endStream ? grpcStatusOf(fields) : GRPC_PENDING;
}

/** `grpc-status` of a list; UNKNOWN where it is missing or no number. */
export function grpcStatusOf(fields: FieldList): number {
  const index = fields.find(STATUS);
  if (index < 0) return GRPC_UNKNOWN;
  let status = 0;
  const [start, end] = [fields.value(index), fields.end(index)];
  for (let at = start; at < end; at++) {
    const digit = fields.bytes[at]! - 48;
    if (digit < 0 || digit > 9 || end - start > 3) return GRPC_UNKNOWN;
    status = status * 10 + digit;
  }
  return start === end ? GRPC_UNKNOWN : status;
}

/** gRPC codes of HTTP statuses that no gRPC server gave (grpc/doc/http-grpc-status-mapping.md; a timeout of ours is DEADLINE_EXCEEDED). */
const CODES: ReadonlyMap<number, number> = new Map([
  [400, 13],
  [401, 16],
  [403, 7],
  [404, 12],
  [429, 14],
  [502, 14],
  [503, 14],
  [504, 4],
]);

/** Fills the list with a response of trailers only that tells a gRPC client what an HTTP status would have said. */
export function grpcStatusFields(status: number, fields: FieldList): void {
  fields.clear();
  fields.addText(':status', '200');
  fields.addText('content-type', 'application/grpc');
  fields.addText('grpc-status', String(CODES.get(status) ?? 2));
  fields.addText('grpc-message', `HTTP status ${status}`);
}
