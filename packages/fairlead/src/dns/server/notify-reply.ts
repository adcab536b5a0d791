import { headerFlag, rcode, rrClass, rrType } from '../../wire/dns/constants.ts';
import { decodeMessage } from '../../wire/dns/message.ts';
import { nameToText } from '../../wire/dns/name.ts';
import { MessageWriter } from '../../wire/dns/writer.ts';
import { normalizeName } from '../owner-names.ts';
import type { OwnerName } from '../program.ts';
import type { NotifyVerdict } from '../secondary-zones.ts';

/** Opcode NOTIFY (RFC 1996 3.12) in the flags word. */
const opcodeNotify = 4 << 11;

const codes: Readonly<Record<NotifyVerdict, number>> = {
  taken: rcode.NOERROR,
  'no zone': rcode.NOTAUTH,
  'no primary': rcode.REFUSED,
};

/** Whether a message is a NOTIFY, by its header. */
export function isNotify(message: Uint8Array): boolean {
  return message.length >= 12 && (message[2]! & 0xf8) === opcodeNotify >> 8;
}

/** The answer to a NOTIFY; `notified` is told of its zone, and says what becomes of it. */
export function answerNotify(message: Uint8Array, notified: (origin: OwnerName) => NotifyVerdict): Uint8Array {
  const decoded = decodeMessage(message);
  const [question] = decoded?.questions ?? [];
  const writer = new MessageWriter(new Uint8Array(512));
  const isGood = question?.type === rrType.SOA && question.class === rrClass.IN;
  const code = isGood ? codes[notified(normalizeName(nameToText(question.name)))] : rcode.FORMERR;
  const flags = headerFlag.QR | opcodeNotify | code;
  writer.header((message[0]! << 8) | message[1]!, code === rcode.NOERROR ? flags | headerFlag.AA : flags);
  if (question !== undefined) writer.question(question);
  return writer.bytes;
}
