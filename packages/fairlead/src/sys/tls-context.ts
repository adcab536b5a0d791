import * as ssl from './openssl.ts';
import { addRevocationLists } from './revocation-lists.ts';
import { systemRoots } from './system-roots.ts';
import { alpnCallback } from './tls-alpn.ts';
import { logKeysOf } from './tls-key-log.ts';
import type { TlsSettings } from './tls-settings.ts';
import { forgetContextStaple, setContextStaple } from './tls-staple.ts';
import { ticketCallback } from './tls-tickets.ts';

/** A certificate with its chain, and its private key; PEM. */
export interface TlsIdentity {
  readonly certificate: string;
  readonly privateKey: string;
}

/** Whether clients must show a certificate, and who may have signed it. */
export interface TlsClientAuth {
  /** PEM bundle. */
  readonly ca: string;
  /** `require`: no handshake without one. `request`: one that is shown must be good. */
  readonly mode: 'require' | 'request';
  /** Revocation lists, PEM or DER, in base64. One that has expired lets nobody in. */
  readonly revoked?: string;
}

/** What an upstream must show. */
export interface TlsServerCheck {
  /** PEM bundle of trusted CAs, or those that this machine trusts. */
  readonly ca: string | SystemRoots;
}

/** The CAs that this machine trusts (`system-roots.ts`). */
export interface SystemRoots {
  readonly system: true;
}

/** What a server shows and asks for. */
export interface ServerContextOptions {
  readonly identity: TlsIdentity;
  readonly clientAuth?: TlsClientAuth;
  readonly settings?: TlsSettings;
}

/** What a client trusts, shows and asks for. */
export interface ClientContextOptions {
  /** `off`: any certificate is taken. */
  readonly verify: TlsServerCheck | 'off';
  /** Own certificate, for upstreams that ask. */
  readonly identity?: TlsIdentity;
}

/** A context, or what is wrong with its PEM. */
export type TlsContextResult =
  | { readonly ok: true; readonly context: TlsContext }
  | { readonly ok: false; readonly problem: string };

/**
 * TLS 1.2 suites offered: forward secret, authenticated encryption only (Mozilla "intermediate"
 * without DHE).
 */
const CIPHERS = new ssl.NativeText(
  'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305',
);
/**
 * TLS 1.3 suites, in the same order. OpenSSL's own begins with AES-256, whose SHA-384 takes a twentieth of a full
 * handshake: processors compute SHA-256 by instructions of their own.
 */
const CIPHER_SUITES = new ssl.NativeText('TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256');
/** Session tickets after a full handshake of TLS 1.3. Each resumption gives another, so one is enough. */
const TICKETS = 1;
const SESSION_CONTEXT = new ssl.NativeText('fairlead');
/** Passphrase of keys: none. Without one OpenSSL would ask on the terminal. */
const NO_PASSPHRASE = new ssl.NativeText('');

/** An SSL_CTX of this thread: a certificate and its rules. Sessions keep what they need of a freed one. */
export class TlsContext {
  readonly role: 'server' | 'client';
  #pointer: number;

  constructor(role: 'server' | 'client', pointer: number) {
    this.role = role;
    this.#pointer = pointer;
  }

  /** Only `sys` reads this; 0 once freed. */
  get pointer(): number {
    return this.#pointer;
  }

  /** OCSP response that the next handshakes staple for clients that ask; undefined: none. */
  setStaple(response: Uint8Array | undefined): void {
    if (this.#pointer !== 0) setContextStaple(this.#pointer, response);
  }

  /** Idempotent. Established sessions go on. */
  free(): void {
    forgetContextStaple(this.#pointer);
    if (this.#pointer !== 0) ssl.contextFree(this.#pointer);
    this.#pointer = 0;
  }
}

/** Context for accepting connections under one certificate. Tickets by the keys of {@link ticketCallback}. */
export function createServerContext(options: ServerContextOptions): TlsContextResult {
  return build('server', (pointer) => {
    ssl.contextSetOptions(pointer, ssl.SSL_OP_CIPHER_SERVER_PREFERENCE + ssl.SSL_OP_PRIORITIZE_CHACHA);
    ssl.contextSetAlpnSelect(pointer, alpnCallback(), 0);
    ssl.contextSetTicketKeyCallback(pointer, ticketCallback());
    ssl.contextSetTicketCount(pointer, TICKETS);
    ssl.contextSetSessionContext(pointer, SESSION_CONTEXT.address, SESSION_CONTEXT.length);
    const problem = applySettings(pointer, options.settings ?? {}) ?? useIdentity(pointer, options.identity);
    logKeysOf(pointer);
    if (problem !== undefined || options.clientAuth === undefined) return problem;
    const { mode } = options.clientAuth;
    const required = mode === 'require' ? ssl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
    ssl.contextSetVerify(pointer, ssl.SSL_VERIFY_PEER | required, 0);
    // A resumed session would skip the check against a bundle that changed since.
    ssl.contextSetTicketCount(pointer, 0);
    ssl.contextSetOptions(pointer, SSL_OP_NO_TICKET);
    return trustClients(pointer, options.clientAuth);
  });
}

function trustClients(pointer: number, { ca, revoked }: TlsClientAuth): string | undefined {
  const untrusted = trust(pointer, ca, true);
  if (untrusted !== undefined || revoked === undefined) return untrusted;
  const lists = Buffer.from(revoked, 'base64');
  return addRevocationLists(ssl.contextCertStore(pointer), lists, ca.split('-----BEGIN').length - 1);
}

/** What is wrong with the revocation lists of client certificates. */
export function revocationProblem(clientAuth: TlsClientAuth): string | undefined {
  const result = build('server', (pointer) => trustClients(pointer, clientAuth));
  if (!result.ok) return result.problem;
  result.context.free();
  return undefined;
}

/** What of the settings of a server OpenSSL does not understand. */
export function serverSettingsProblem(settings: TlsSettings): string | undefined {
  const result = build('server', (pointer) => applySettings(pointer, settings));
  if (!result.ok) return result.problem;
  result.context.free();
  return undefined;
}

/** @returns what OpenSSL does not accept. */
function applySettings(
  pointer: number,
  { minVersion, ciphers, cipherSuites, curves }: TlsSettings,
): string | undefined {
  if (minVersion === '1.3') ssl.contextControl(pointer, ssl.SSL_CTRL_SET_MIN_PROTO_VERSION, ssl.TLS1_3_VERSION, 0);
  const lists: readonly (readonly [string | undefined, string, (list: ssl.NativeText) => number])[] = [
    [authenticated(ciphers), 'suites of TLS 1.2', (list) => ssl.contextSetCipherList(pointer, list.address)],
    [cipherSuites, 'suites of TLS 1.3', (list) => ssl.contextSetCipherSuites(pointer, list.address)],
    [curves, 'curves', (list) => ssl.contextControl(pointer, ssl.SSL_CTRL_SET_GROUPS_LIST, 0, list.address)],
  ];
  for (const [text, what, set] of lists) {
    if (text === undefined) continue;
    const list = new ssl.NativeText(text);
    if (set(list) !== 1) return `'${text}' has no ${what} that OpenSSL knows`;
    list.bytes[list.length] = 0;
  }
  return undefined;
}

/** Without those that neither prove who we are nor hide anything. */
function authenticated(ciphers: string | undefined): string | undefined {
  return ciphers === undefined ? undefined : `${ciphers}:!aNULL:!eNULL`;
}

const SSL_OP_NO_TICKET = 2 ** 14;

/** Context for connecting to upstreams. */
export function createClientContext(options: ClientContextOptions): TlsContextResult {
  return build('client', (pointer) => {
    if (options.verify !== 'off') {
      ssl.contextSetVerify(pointer, ssl.SSL_VERIFY_PEER, 0);
      const { ca } = options.verify;
      const problem = typeof ca === 'string' ? trust(pointer, ca, false) : trustSystem(pointer);
      if (problem !== undefined) return problem;
    } else ssl.contextSetVerify(pointer, ssl.SSL_VERIFY_NONE, 0);
    return options.identity === undefined ? undefined : useIdentity(pointer, options.identity);
  });
}

function build(role: 'server' | 'client', fill: (pointer: number) => string | undefined): TlsContextResult {
  ssl.clearErrors();
  const pointer = ssl.contextNew(role === 'server' ? ssl.serverMethod() : ssl.clientMethod());
  if (pointer === 0) return { ok: false, problem: ssl.takeErrorText() };
  ssl.contextControl(pointer, ssl.SSL_CTRL_SET_MIN_PROTO_VERSION, ssl.TLS1_2_VERSION, 0);
  ssl.contextSetOptions(pointer, ssl.SSL_OP_NO_COMPRESSION + ssl.SSL_OP_NO_RENEGOTIATION);
  ssl.contextSetCipherList(pointer, CIPHERS.address);
  ssl.contextSetCipherSuites(pointer, CIPHER_SUITES.address);
  // The cache in memory is per context and thread; tickets replace it.
  ssl.contextControl(pointer, ssl.SSL_CTRL_SET_SESS_CACHE_MODE, ssl.SSL_SESS_CACHE_OFF, 0);
  ssl.contextControl(pointer, ssl.SSL_CTRL_SET_READ_AHEAD, 1, 0);
  const mode =
    ssl.SSL_MODE_ENABLE_PARTIAL_WRITE | ssl.SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | ssl.SSL_MODE_RELEASE_BUFFERS;
  ssl.contextControl(pointer, ssl.SSL_CTRL_MODE, mode, 0);
  const problem = fill(pointer);
  ssl.clearErrors();
  if (problem === undefined) return { ok: true, context: new TlsContext(role, pointer) };
  ssl.contextFree(pointer);
  return { ok: false, problem };
}

function useIdentity(context: number, { certificate, privateKey }: TlsIdentity): string | undefined {
  const [leaf, ...chain] = readCertificates(certificate);
  if (leaf === undefined) return 'the certificate is no PEM certificate';
  const used = ssl.contextUseCertificate(context, leaf);
  ssl.certificateFree(leaf);
  // The context takes over each chain certificate that it accepts.
  for (const each of chain) {
    if (ssl.contextControl(context, ssl.SSL_CTRL_EXTRA_CHAIN_CERT, 0, each) !== 1) ssl.certificateFree(each);
  }
  if (used !== 1) return `the certificate cannot be used: ${ssl.takeErrorText()}`;
  const pem = new ssl.NativeText(privateKey);
  const bio = ssl.bioFromMemory(pem.address, pem.length);
  const key = ssl.pemReadPrivateKey(bio, 0, 0, NO_PASSPHRASE.address);
  ssl.bioFree(bio);
  pem.bytes.fill(0);
  if (key === 0) return 'the private key is no unencrypted PEM private key';
  const keyUsed = ssl.contextUsePrivateKey(context, key);
  ssl.keyFree(key);
  if (keyUsed !== 1 || ssl.contextCheckPrivateKey(context) !== 1) {
    return `the private key does not belong to the certificate: ${ssl.takeErrorText()}`;
  }
  return undefined;
}

let systemStore = 0;

/** One store of this thread for all contexts: some 150 certificates. */
function trustSystem(context: number): string | undefined {
  if (systemStore === 0) {
    const store = ssl.storeNew();
    const problem = fillStore(store, systemRoots(), undefined);
    if (problem !== undefined) return problem;
    systemStore = store;
  }
  ssl.storeUpRef(systemStore);
  ssl.contextSetCertStore(context, systemStore);
  return undefined;
}

function trust(context: number, bundle: string, announce: boolean): string | undefined {
  return fillStore(ssl.contextCertStore(context), bundle, announce ? context : undefined);
}

/** @param announceIn context that tells clients of these CAs. */
function fillStore(store: number, bundle: string, announceIn: number | undefined): string | undefined {
  const certificates = readCertificates(bundle);
  for (const certificate of certificates) {
    ssl.storeAddCertificate(store, certificate);
    if (announceIn !== undefined) ssl.contextAddClientCa(announceIn, certificate);
    ssl.certificateFree(certificate);
  }
  return certificates.length === 0 ? 'the CA bundle has no PEM certificate' : undefined;
}

/** All certificates of a PEM text, in order; the caller frees them. */
function readCertificates(text: string): number[] {
  const pem = new ssl.NativeText(text);
  const bio = ssl.bioFromMemory(pem.address, pem.length);
  const found: number[] = [];
  for (;;) {
    const certificate = ssl.pemReadCertificate(bio, 0, 0, NO_PASSPHRASE.address);
    if (certificate === 0) break;
    found.push(certificate);
  }
  ssl.bioFree(bio);
  // The end of the text is an error in OpenSSL's eyes.
  ssl.clearErrors();
  // Read after the last use, so that the memory outlives it.
  return pem.length === 0 ? [] : found;
}
