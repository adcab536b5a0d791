/**
 * What a server offers, where it differs from the defaults. Texts are OpenSSL's lists; one that it does not
 * understand, or that leaves nothing, is a problem when a context is made.
 */
export interface TlsSettings {
  /** Default 1.2. */
  readonly minVersion?: '1.2' | '1.3';
  /** Suites of TLS 1.2, e.g. `ECDHE+AESGCM`. */
  readonly ciphers?: string;
  /** Suites of TLS 1.3, e.g. `TLS_AES_128_GCM_SHA256`. */
  readonly cipherSuites?: string;
  /** Key exchange groups, the preferred one first, e.g. `X25519:P-256`. */
  readonly curves?: string;
}
