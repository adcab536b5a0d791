// Hot path: turns a request into the one for an endpoint of HTTP/2, field by field.
import { TARGET } from '../wire/http1/byte-class.ts';
import type { RequestHead } from '../wire/http1/request-head.ts';
import type { FieldList } from '../wire/http2/field-list.ts';
import { endRequestFields, requestFields } from '../wire/http2/from-http1.ts';
import type { CompiledRoute } from './compiled-route.ts';
import type { HeadChange } from './filters/head-change.ts';
import { type ClientIdentity, dropReplaced, replacedPath, writeForwarding } from './request-writer.ts';

const FORWARDED_HOST = Buffer.from('x-forwarded-host');
/** Behind `application/grpc` in the types of gRPC-Web. */
const HYPHEN = 45;

/**
 * Fills the list with what `writeRequestHead` would write for an endpoint in clear text. False where only that way leads
 * on: for gRPC-Web, whose content changes too, and for what no field list can hold; marks in the head stay.
 *
 * @param scratch for what is made as lines.
 */
export function fillRequestFields(
  head: RequestHead,
  fields: FieldList,
  route: CompiledRoute,
  identity: ClientIdentity,
  path: Uint8Array | undefined,
  change: HeadChange | undefined,
  scratch: Uint8Array,
): boolean {
  // Before fields are dropped: it reads them.
  const told = identity.told?.(head);
  const mask = dropReplaced(head, route, identity, change);
  const edit = route.requestEdit;
  const target = replacedPath(head, route, path);
  if (target !== undefined && !isPath(target)) return false;
  const authority = edit?.dropsHost === true ? edit.host : undefined;
  const grpc = requestFields(head, SCHEME, fields, target, authority);
  if (grpc === HYPHEN) return false;
  const { usualFields } = identity;
  if (usualFields !== undefined && head.hostField >= 0) {
    const { bytes, hostField } = head;
    fields.addAll(usualFields);
    const [start, end] = [head.valueStart(hostField), head.valueEnd(hostField)];
    fields.add(FORWARDED_HOST, 0, FORWARDED_HOST.length, bytes, start, end);
  } else fields.addLines(scratch.subarray(0, writeForwarding(head, identity, told, mask, scratch, 0)));
  if (edit !== undefined) fields.addAll(edit.fields);
  if (change !== undefined && !change.isEmpty) fields.addLines(scratch.subarray(0, change.write(scratch, 0)));
  endRequestFields(fields, grpc);
  return !fields.isTooLarge;
}

const SCHEME = Buffer.from('http');

/** A rewritten path is whatever a user's pattern made of it. */
function isPath(path: Uint8Array): boolean {
  if (path[0] !== 47) return false;
  for (let i = 0; i < path.length; i++) if (TARGET[path[i]!] === 0) return false;
  return true;
}
