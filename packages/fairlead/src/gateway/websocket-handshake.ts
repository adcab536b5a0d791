import { createHash } from 'node:crypto';
import type { Random } from '../sys/clock.ts';
import type { MessageHead } from '../wire/http1/message-head.ts';

/** What the key is joined with before it is hashed (RFC 6455 4.2.2). */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const KEY = Buffer.from('sec-websocket-key');
const ACCEPT = Buffer.from('sec-websocket-accept');

/** A new value of Sec-WebSocket-Key. It need not be secret, only another one each time. */
export function newWebSocketKey(random: Random): Buffer {
  const bytes = Buffer.alloc(16);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(random() * 256);
  return Buffer.from(bytes.toString('base64'), 'latin1');
}

/** The value of Sec-WebSocket-Accept that answers a key. */
export function webSocketAccept(key: Uint8Array): Buffer {
  return Buffer.from(createHash('sha1').update(key).update(GUID).digest('base64'), 'latin1');
}

/** Value of Sec-WebSocket-Key in a request; empty without one. */
export function webSocketKeyOf(head: MessageHead): Buffer {
  return onlyValue(head, KEY) ?? Buffer.alloc(0);
}

/** Whether a 101 answers this key. */
export function answersKey(head: MessageHead, key: Uint8Array): boolean {
  return onlyValue(head, ACCEPT)?.equals(webSocketAccept(key)) === true;
}

/** A copy of the value of the only field of a name. */
function onlyValue(head: MessageHead, name: Uint8Array): Buffer | undefined {
  let found: Buffer | undefined;
  for (let index = 0; index < head.fieldCount; index++) {
    if (!head.isNamed(index, name)) continue;
    if (found !== undefined) return undefined;
    found = Buffer.from(head.bytes.subarray(head.valueStart(index), head.valueEnd(index)));
  }
  return found;
}
