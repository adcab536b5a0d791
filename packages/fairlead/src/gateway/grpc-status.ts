import type { FieldList } from '../wire/http2/field-list.ts';

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
