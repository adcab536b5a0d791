import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Values that travel through browsers: encrypted and authenticated (AES-256-GCM, NIST SP 800-38D, with nonces of chance), so that
 * nobody else can read, make or change them.
 */
export class SealedBox {
  readonly #keys: readonly Buffer[];

  /**
   * @param secrets the first seals, all open.
   * @param context values of another one do not open.
   */
  constructor(secrets: readonly string[], context: string) {
    this.#keys = secrets.map((secret) => Buffer.from(hkdfSync('sha256', secret, '', context, 32)));
  }

  /** @param purpose what it opens for. */
  seal(purpose: string, value: unknown): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#keys[0]!, nonce).setAAD(Buffer.from(purpose));
    const parts = [nonce, cipher.update(JSON.stringify(value), 'utf8'), cipher.final(), cipher.getAuthTag()];
    return Buffer.concat(parts).toString('base64url');
  }

  /** Undefined for what was not sealed here for this purpose. */
  open(purpose: string, text: string): unknown {
    const bytes = Buffer.from(text, 'base64url');
    if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
    for (const key of this.#keys) {
      try {
        const cipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES))
          .setAAD(Buffer.from(purpose))
          .setAuthTag(bytes.subarray(-TAG_BYTES));
        const opened = Buffer.concat([cipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), cipher.final()]);
        return JSON.parse(opened.toString()) as unknown;
      } catch {
        // Another key's, or nobody's.
      }
    }
    return undefined;
  }
}
