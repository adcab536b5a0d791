import type { MessageHead } from '../../wire/http1/message-head.ts';

/** Values of a field, in order, joined with `, `; undefined without it. The name is lower-case. Allocates. */
export function fieldText(head: MessageHead, name: Uint8Array): string | undefined {
  let joined: string | undefined;
  for (let index = 0; index < head.fieldCount; index++) {
    if (!head.isNamed(index, name)) continue;
    const value = Buffer.from(head.bytes.subarray(head.valueStart(index), head.valueEnd(index))).toString('latin1');
    joined = joined === undefined ? value : `${joined}, ${value}`;
  }
  return joined;
}
