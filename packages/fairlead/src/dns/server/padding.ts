import { ednsOption, headerBytes, optBytes, rrType } from '../../wire/dns/constants.ts';
import { skipName } from '../../wire/dns/name.ts';

/** Answers are padded to a multiple of this (RFC 8467 4.1). */
export const paddingBlockBytes = 468;

/** Adds a padding option to the OPT record at the end of an answer; one without is returned as it is. */
export function padAnswer(answer: Uint8Array): Uint8Array {
  const opt = lastRecord(answer);
  if (opt < 0 || answer[opt] !== 0 || ((answer[opt + 1]! << 8) | answer[opt + 2]!) !== rrType.OPT) return answer;
  const length = Math.min(65535, Math.ceil((answer.length + 4) / paddingBlockBytes) * paddingBlockBytes);
  const padding = length - answer.length - 4;
  if (padding < 0) return answer;
  const padded = new Uint8Array(length);
  padded.set(answer);
  const at = answer.length;
  padded[at + 1] = ednsOption.padding;
  padded[at + 2] = padding >> 8;
  padded[at + 3] = padding & 255;
  const options = length - opt - optBytes;
  padded[opt + 9] = options >> 8;
  padded[opt + 10] = options & 255;
  return padded;
}

/** Offset of the last record; -1: none, or malformed. */
function lastRecord(message: Uint8Array): number {
  const word = (at: number): number => (message[at]! << 8) | message[at + 1]!;
  let at = headerBytes;
  for (let left = word(4); left > 0; left--) {
    at = skipName(message, at, message.length) + 4;
    if (at < headerBytes) return -1;
  }
  let last = -1;
  for (let left = word(6) + word(8) + word(10); left > 0; left--) {
    last = at;
    const fixed = skipName(message, at, message.length);
    if (fixed < 0) return -1;
    at = fixed + 10 + word(fixed + 8);
  }
  return last;
}
