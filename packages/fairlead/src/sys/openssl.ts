// Hot path: SSL_read and SSL_write run once per event. Pointers are numbers, as in libc.ts.
import { addressOf, declareOwn } from './libc.ts';

/** An OpenSSL object, opaque outside `sys`; 0 is NULL. */
export type OpensslPointer = number;

type Pointer = OpensslPointer;
type Native<Args extends readonly number[]> = (...args: Args) => number;
const own = declareOwn;

/** (session, buffer, bytes): bytes read; 0 or less: ask {@link sslGetError}. */
export const sslRead: Native<[Pointer, number, number]> = own('int SSL_read(uintptr_t, uintptr_t, int)');
/** (session, buffer, bytes): bytes written; 0 or less: ask {@link sslGetError}. */
export const sslWrite: Native<[Pointer, number, number]> = own('int SSL_write(uintptr_t, uintptr_t, int)');
/** 1 when bytes were received that {@link sslRead} has not given yet, decrypted or not. */
export const sslHasPending: Native<[Pointer]> = own('int SSL_has_pending(uintptr_t)');
/** (session, result): why a call failed, one of SSL_ERROR_*; right behind that call only. */
export const sslGetError: Native<[Pointer, number]> = own('int SSL_get_error(uintptr_t, int)');
/** Goes on with the handshake: 1 when it is done, else ask {@link sslGetError}. */
export const sslDoHandshake: Native<[Pointer]> = own('int SSL_do_handshake(uintptr_t)');
/** (context): a session, 0 on failure; free it by {@link sslFree}. */
export const sslNew: Native<[Pointer]> = own('uintptr_t SSL_new(uintptr_t)');
/** Frees a session and its BIOs, never the descriptor. */
export const sslFree: Native<[Pointer]> = own('void SSL_free(uintptr_t)');
/** (session, descriptor): what the session reads and writes; 1 on success. */
export const sslSetFd: Native<[Pointer, number]> = own('int SSL_set_fd(uintptr_t, int)');
/** The session is a server's. */
export const sslSetAcceptState: Native<[Pointer]> = own('void SSL_set_accept_state(uintptr_t)');
/** The session is a client's. */
export const sslSetConnectState: Native<[Pointer]> = own('void SSL_set_connect_state(uintptr_t)');
/** Sends close_notify: 0 sent, 1 the peer's is here too, below 0 a failure. */
export const sslShutdown: Native<[Pointer]> = own('int SSL_shutdown(uintptr_t)');
/** (session, command, number, pointer): one of SSL_CTRL_*. */
export const sslControl: Native<[Pointer, number, number, number]> = own(
  'long SSL_ctrl(uintptr_t, int, long, uintptr_t)',
);
/** (session, address of a pointer, address of a 32-bit length): the protocol agreed on; length 0 for none. */
export const sslGetAlpn: Native<[Pointer, number, number]> = own(
  'void SSL_get0_alpn_selected(uintptr_t, uintptr_t, uintptr_t)',
);
/** (session, list of length-prefixed names, bytes): what a client offers; 0 on success, unlike all others. */
export const sslSetAlpn: Native<[Pointer, number, number]> = own(
  'int SSL_set_alpn_protos(uintptr_t, uintptr_t, unsigned int)',
);
/** 1 when the handshake resumed an earlier session. */
export const sslSessionReused: Native<[Pointer]> = own('int SSL_session_reused(uintptr_t)');
/** (session, zero-terminated name): the name a peer's certificate must have; copied. 1 on success. */
export const sslSet1Host: Native<[Pointer, number]> = own('int SSL_set1_host(uintptr_t, uintptr_t)');
/** X509_V_OK (0) or why the peer's certificate was refused; see {@link verifyText}. */
export const sslVerifyResult: Native<[Pointer]> = own('long SSL_get_verify_result(uintptr_t)');
/** The peer's certificate with a reference of its own, 0 for none; free it by {@link certificateFree}. */
export const sslPeerCertificate: Native<[Pointer]> = own('uintptr_t SSL_get1_peer_certificate(uintptr_t)');

/** TLS of any version, server side; static. */
export const serverMethod: Native<[]> = own('uintptr_t TLS_server_method()');
/** TLS of any version, client side; static. */
export const clientMethod: Native<[]> = own('uintptr_t TLS_client_method()');
/** (method): a context, 0 on failure; free it by {@link contextFree}. */
export const contextNew: Native<[Pointer]> = own('uintptr_t SSL_CTX_new(uintptr_t)');
/** Gives back a context; sessions keep it as long as they live. */
export const contextFree: Native<[Pointer]> = own('void SSL_CTX_free(uintptr_t)');
/** (context, command, number, pointer): one of SSL_CTRL_*. */
export const contextControl: Native<[Pointer, number, number, number]> = own(
  'long SSL_CTX_ctrl(uintptr_t, int, long, uintptr_t)',
);
/** (context, SSL_OP_* bits): adds options; gives all that are set. */
export const contextSetOptions: Native<[Pointer, number]> = own('uint64_t SSL_CTX_set_options(uintptr_t, uint64_t)');
/** (context, certificate): the leaf; takes a reference. 1 on success. */
export const contextUseCertificate: Native<[Pointer, Pointer]> = own(
  'int SSL_CTX_use_certificate(uintptr_t, uintptr_t)',
);
/** (context, key): the leaf's key; takes a reference. 1 on success. */
export const contextUsePrivateKey: Native<[Pointer, Pointer]> = own('int SSL_CTX_use_PrivateKey(uintptr_t, uintptr_t)');
/** 1 when key and certificate of the context belong together. */
export const contextCheckPrivateKey: Native<[Pointer]> = own('int SSL_CTX_check_private_key(uintptr_t)');
/** (context, zero-terminated text): ciphers up to TLS 1.2; 1 when any is known. */
export const contextSetCipherList: Native<[Pointer, number]> = own('int SSL_CTX_set_cipher_list(uintptr_t, uintptr_t)');
/** (context, zero-terminated text): cipher suites of TLS 1.3; 1 on success. */
export const contextSetCipherSuites: Native<[Pointer, number]> = own(
  'int SSL_CTX_set_ciphersuites(uintptr_t, uintptr_t)',
);
/** (context, callback, its argument): who chooses a protocol on the server's side. */
export const contextSetAlpnSelect: Native<[Pointer, Pointer, Pointer]> = own(
  'void SSL_CTX_set_alpn_select_cb(uintptr_t, uintptr_t, uintptr_t)',
);
/** (context, callback): who encrypts and decrypts session tickets. 1 on success. */
export const contextSetTicketKeyCallback: Native<[Pointer, Pointer]> = own(
  'int SSL_CTX_set_tlsext_ticket_key_evp_cb(uintptr_t, uintptr_t)',
);
/** (context, count): tickets per TLS 1.3 handshake; 1 on success. */
export const contextSetTicketCount: Native<[Pointer, number]> = own('int SSL_CTX_set_num_tickets(uintptr_t, size_t)');
/** (context, identifier, bytes): sessions are resumed under the same one only; at most 32 bytes. 1 on success. */
export const contextSetSessionContext: Native<[Pointer, number, number]> = own(
  'int SSL_CTX_set_session_id_context(uintptr_t, uintptr_t, unsigned int)',
);
/** (context, SSL_VERIFY_* bits, callback or 0): whether the peer needs a certificate. */
export const contextSetVerify: Native<[Pointer, number, Pointer]> = own(
  'void SSL_CTX_set_verify(uintptr_t, int, uintptr_t)',
);
/** What the context trusts; no reference is taken. */
export const contextCertStore: Native<[Pointer]> = own('uintptr_t SSL_CTX_get_cert_store(uintptr_t)');
/** Takes over the reference to the store. */
export const contextSetCertStore: Native<[Pointer, Pointer]> = own('void SSL_CTX_set_cert_store(uintptr_t, uintptr_t)');
/** A store of trusted certificates and revocation lists, 0 on failure. */
export const storeNew: Native<[]> = own('uintptr_t X509_STORE_new()');
/** Takes one more reference to a store; 1 on success. */
export const storeUpRef: Native<[Pointer]> = own('int X509_STORE_up_ref(uintptr_t)');
/** (context, certificate): its name goes into the request for a client's certificate. 1 on success. */
export const contextAddClientCa: Native<[Pointer, Pointer]> = own('int SSL_CTX_add_client_CA(uintptr_t, uintptr_t)');
/** (store, certificate): trusts it; takes a reference. 1 on success. */
export const storeAddCertificate: Native<[Pointer, Pointer]> = own('int X509_STORE_add_cert(uintptr_t, uintptr_t)');

/** (buffer, bytes): reads from memory that must stay where it is; 0 on failure. */
export const bioFromMemory: Native<[number, number]> = own('uintptr_t BIO_new_mem_buf(uintptr_t, int)');
/** Frees a BIO, not the memory that it reads; 1 on success. */
export const bioFree: Native<[Pointer]> = own('int BIO_free(uintptr_t)');
/** (BIO, 0, 0, 0): the next certificate of a PEM text; 0 at its end, with an error in the queue. */
export const pemReadCertificate: Native<[Pointer, number, number, number]> = own(
  'uintptr_t PEM_read_bio_X509(uintptr_t, uintptr_t, uintptr_t, uintptr_t)',
);
/** (BIO, 0, password callback, its argument): the private key of a PEM text; 0 on failure. */
export const pemReadPrivateKey: Native<[Pointer, number, number, number]> = own(
  'uintptr_t PEM_read_bio_PrivateKey(uintptr_t, uintptr_t, uintptr_t, uintptr_t)',
);
/** Gives back a certificate. */
export const certificateFree: Native<[Pointer]> = own('void X509_free(uintptr_t)');
/** Gives back a key. */
export const keyFree: Native<[Pointer]> = own('void EVP_PKEY_free(uintptr_t)');
/**
 * (certificate, address of a pointer or 0): bytes of its DER form, which is written where the pointer points; below 0
 * on failure.
 */
export const certificateToDer: Native<[Pointer, number]> = own('int i2d_X509(uintptr_t, uintptr_t)');

const cErrGet = own<[]>('unsigned long ERR_get_error()');
const cErrClear = own<[]>('void ERR_clear_error()');
const cErrText = own<[number, number, number]>('void ERR_error_string_n(unsigned long, uintptr_t, size_t)');
const cVerifyText = declareText('X509_verify_cert_error_string');

/** Commands of SSL_ctrl and SSL_CTX_ctrl (openssl/ssl.h 3.5). */
export const SSL_CTRL_EXTRA_CHAIN_CERT = 14;
export const SSL_CTRL_MODE = 33;
export const SSL_CTRL_SET_READ_AHEAD = 41;
export const SSL_CTRL_SET_SESS_CACHE_MODE = 44;
export const SSL_CTRL_SET_TLSEXT_HOSTNAME = 55;
export const SSL_CTRL_SET_GROUPS_LIST = 92;
export const SSL_CTRL_SET_MIN_PROTO_VERSION = 123;

/** Bits of SSL_CTRL_MODE. */
export const SSL_MODE_ENABLE_PARTIAL_WRITE = 0x1;
export const SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER = 0x2;
export const SSL_MODE_RELEASE_BUFFERS = 0x10;

/** Options of a context. */
export const SSL_OP_NO_COMPRESSION: number = 2 ** 17;
export const SSL_OP_NO_RENEGOTIATION: number = 2 ** 30;
export const SSL_OP_CIPHER_SERVER_PREFERENCE: number = 2 ** 22;
export const SSL_OP_PRIORITIZE_CHACHA: number = 2 ** 21;

/** What {@link sslGetError} gives. */
export const SSL_ERROR_WANT_READ = 2;
export const SSL_ERROR_WANT_WRITE = 3;
export const SSL_ERROR_SYSCALL = 5;
export const SSL_ERROR_ZERO_RETURN = 6;

/** Versions, for SSL_CTRL_SET_MIN_PROTO_VERSION. */
export const TLS1_2_VERSION = 0x0303;
export const TLS1_3_VERSION = 0x0304;
export const SSL_VERIFY_NONE = 0;
export const SSL_VERIFY_PEER = 1;
export const SSL_VERIFY_FAIL_IF_NO_PEER_CERT = 2;
export const SSL_SESS_CACHE_OFF = 0;

/**
 * A zero-terminated copy of a text in memory that does not move. Keep it referenced until OpenSSL
 * has returned; what it keeps longer it copies.
 */
export class NativeText {
  readonly bytes: Buffer;
  readonly address: number;
  /** Without the terminator. */
  readonly length: number;

  constructor(text: string | Uint8Array) {
    const source = typeof text === 'string' ? Buffer.from(text, 'utf8') : text;
    // An ArrayBuffer of its own is never moved by the collector; a small typed array might be.
    this.bytes = Buffer.from(new ArrayBuffer(source.length + 1));
    this.bytes.set(source);
    this.length = source.length;
    this.address = addressOf(this.bytes);
  }
}

const ERROR_TEXT = new NativeText(new Uint8Array(256));

/** Empties this thread's error queue. Must be empty before any SSL_* call whose result is looked at. */
export function clearErrors(): void {
  cErrClear();
}

/** The first queued error as text, e.g. `wrong version number`; empties the queue. */
export function takeErrorText(): string {
  const code = cErrGet();
  cErrClear();
  if (code === 0) return 'unknown error';
  cErrText(code, ERROR_TEXT.address, ERROR_TEXT.length);
  const text = ERROR_TEXT.bytes.toString('latin1', 0, ERROR_TEXT.bytes.indexOf(0));
  // error:CODE:LIBRARY::REASON
  return text.split(':').at(-1) ?? text;
}

/** Why a peer's certificate was refused, e.g. `self-signed certificate`. */
export function verifyText(result: number): string {
  return cVerifyText(result);
}

function declareText(name: string): (argument: number) => string {
  return declareOwn<[number]>(`const char *${name}(long)`) as unknown as (argument: number) => string;
}
