import { createHash, timingSafeEqual } from 'node:crypto';

/** Characters of crypt(3)'s base 64, by value. */
const DIGITS = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const APR1_ROUNDS = 1000;

const md5 = (...parts: readonly (Uint8Array | string)[]): Uint8Array => {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** The apr1 variant of MD5-crypt, as htpasswd -m writes it: 22 characters. */
export function apr1(password: string, salt: string): string {
  const secret = Buffer.from(password);
  const alternate = md5(secret, salt, secret);
  const first = createHash('md5').update(secret).update(`$apr1$${salt}`);
  for (let left = secret.length; left > 0; left -= 16) first.update(alternate.subarray(0, Math.min(16, left)));
  for (let bits = secret.length; bits > 0; bits >>= 1) {
    first.update((bits & 1) === 1 ? Buffer.alloc(1) : secret.subarray(0, 1));
  }
  let digest: Uint8Array = first.digest();
  for (let round = 0; round < APR1_ROUNDS; round++) {
    const odd = (round & 1) === 1;
    digest = md5(
      odd ? secret : digest,
      round % 3 === 0 ? '' : salt,
      round % 7 === 0 ? '' : secret,
      odd ? digest : secret,
    );
  }
  let text = '';
  for (const [a, b, c] of [
    [0, 6, 12],
    [1, 7, 13],
    [2, 8, 14],
    [3, 9, 15],
    [4, 10, 5],
  ] as const) {
    text += digits((digest[a]! << 16) | (digest[b]! << 8) | digest[c]!, 4);
  }
  return text + digits(digest[11]!, 2);
}

function digits(value: number, count: number): string {
  let text = '';
  for (let i = 0; i < count; i++) text += DIGITS[(value >> (6 * i)) & 63]!;
  return text;
}

/** Checks a password against a hash that takes at most a millisecond; undefined for one that needs crypt(3). */
export function checkQuickly(hash: string, password: string): boolean | undefined {
  const sha = /^\{SHA\}(.+)$/.exec(hash)?.[1];
  if (sha !== undefined) return isSame(createHash('sha1').update(password).digest('base64'), sha);
  const md = /^\$apr1\$([^$]{1,8})\$(.{22})$/.exec(hash);
  return md === null ? undefined : isSame(apr1(password, md[1]!), md[2]!);
}

/** Compares without telling by its time how much is equal. */
export function isSame(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
