// Hot path: turns an endpoint's answer into the one for a client of HTTP/2 or HTTP/3, field by field.
import type { ResponseHead } from '../wire/http1/response-head.ts';
import type { FieldList } from '../wire/http2/field-list.ts';
import { responseFields } from '../wire/http2/from-http1.ts';
import type { CompiledEdit } from './compiled-route.ts';
import type { HeadChange } from './filters/head-change.ts';
import { dropEdited } from './request-writer.ts';

/** Fills the list with what `writeResponseHead` would write. `scratch` is for what is made as lines. */
export function fillResponseFields(
  head: ResponseHead,
  fields: FieldList,
  edit: CompiledEdit | undefined,
  change: HeadChange | undefined,
  altSvc: Uint8Array | undefined,
  scratch: Uint8Array,
): void {
  change?.applyDrops(head);
  if (edit !== undefined) dropEdited(head, edit);
  responseFields(head, fields);
  if (edit !== undefined) fields.addAll(edit.fields);
  if (change !== undefined && !change.isEmpty) fields.addLines(scratch.subarray(0, change.write(scratch, 0)));
  if (altSvc !== undefined) fields.addLines(altSvc);
}
