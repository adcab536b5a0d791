// The QUIC functions of OpenSSL 3.5 (openssl/ssl.h, openssl/quic.h). Pointers are numbers, as in libc.ts.
import { declareOwn } from './libc.ts';
import type { OpensslPointer as Pointer } from './openssl.ts';

type Native<Args extends readonly number[]> = (...args: Args) => number;
const own = declareOwn;

export const quicServerMethod: Native<[]> = own('uintptr_t OSSL_QUIC_server_method()');
export const quicClientMethod: Native<[]> = own('uintptr_t OSSL_QUIC_client_method()');
export const newListener: Native<[Pointer, number]> = own('uintptr_t SSL_new_listener(uintptr_t, uint64_t)');
export const startListener: Native<[Pointer]> = own('int SSL_listen(uintptr_t)');
export const acceptConnection: Native<[Pointer, number]> = own('uintptr_t SSL_accept_connection(uintptr_t, uint64_t)');
export const acceptStream: Native<[Pointer, number]> = own('uintptr_t SSL_accept_stream(uintptr_t, uint64_t)');
export const newStream: Native<[Pointer, number]> = own('uintptr_t SSL_new_stream(uintptr_t, uint64_t)');
export const setBlockingMode: Native<[Pointer, number]> = own('int SSL_set_blocking_mode(uintptr_t, int)');
export const setDefaultStreamMode: Native<[Pointer, number]> = own(
  'int SSL_set_default_stream_mode(uintptr_t, uint32_t)',
);
export const setValue: Native<[Pointer, number, number, number]> = own(
  'int SSL_set_value_uint(uintptr_t, uint32_t, uint32_t, uint64_t)',
);
export const handleEvents: Native<[Pointer]> = own('int SSL_handle_events(uintptr_t)');
export const eventTimeout: Native<[Pointer, number, number]> = own(
  'int SSL_get_event_timeout(uintptr_t, uintptr_t, uintptr_t)',
);
export const injectDatagram: Native<[Pointer, number, number, Pointer, Pointer]> = own(
  'int SSL_inject_net_dgram(uintptr_t, uintptr_t, size_t, uintptr_t, uintptr_t)',
);
export const setWriteBio: Native<[Pointer, Pointer]> = own('void SSL_set0_wbio(uintptr_t, uintptr_t)');
export const setReadBio: Native<[Pointer, Pointer]> = own('void SSL_set0_rbio(uintptr_t, uintptr_t)');
export const newDatagramBio: Native<[number, number]> = own('uintptr_t BIO_new_dgram(int, int)');
export const newPeer: Native<[]> = own('uintptr_t BIO_ADDR_new()');
export const freePeer: Native<[Pointer]> = own('void BIO_ADDR_free(uintptr_t)');
export const makePeer: Native<[Pointer, number, number, number, number]> = own(
  'int BIO_ADDR_rawmake(uintptr_t, int, uintptr_t, size_t, unsigned short)',
);
export const setInitialPeer: Native<[Pointer, Pointer]> = own('int SSL_set1_initial_peer_addr(uintptr_t, uintptr_t)');
export const setClientProtocols: Native<[Pointer, number, number]> = own(
  'int SSL_set_alpn_protos(uintptr_t, uintptr_t, unsigned int)',
);
export const readStream: Native<[Pointer, number, number, number]> = own(
  'int SSL_read_ex(uintptr_t, uintptr_t, size_t, uintptr_t)',
);
export const writeStream: Native<[Pointer, number, number, number, number]> = own(
  'int SSL_write_ex2(uintptr_t, uintptr_t, size_t, uint64_t, uintptr_t)',
);
export const concludeStream: Native<[Pointer, number]> = own('int SSL_stream_conclude(uintptr_t, uint64_t)');
export const resetStream: Native<[Pointer, number, number]> = own('int SSL_stream_reset(uintptr_t, uintptr_t, size_t)');
export const streamId: Native<[Pointer]> = own('uint64_t SSL_get_stream_id(uintptr_t)');
export const streamType: Native<[Pointer]> = own('int SSL_get_stream_type(uintptr_t)');
export const readState: Native<[Pointer]> = own('int SSL_get_stream_read_state(uintptr_t)');
export const writeState: Native<[Pointer]> = own('int SSL_get_stream_write_state(uintptr_t)');
export const isHandshakeDone: Native<[Pointer]> = own('int SSL_is_init_finished(uintptr_t)');
export const closeInfo: Native<[Pointer, number, number]> = own(
  'int SSL_get_conn_close_info(uintptr_t, uintptr_t, size_t)',
);
export const shutDown: Native<[Pointer, number, number, number]> = own(
  'int SSL_shutdown_ex(uintptr_t, uint64_t, uintptr_t, size_t)',
);
export const serverNameOf: (session: Pointer, type: number) => string | null = own<[number, number]>(
  'const char *SSL_get_servername(uintptr_t, int)',
) as unknown as (session: Pointer, type: number) => string | null;

export const setCertificateCallback: Native<[Pointer, Pointer, Pointer]> = own(
  'void SSL_CTX_set_cert_cb(uintptr_t, uintptr_t, uintptr_t)',
);
export const contextCertificate: Native<[Pointer]> = own('uintptr_t SSL_CTX_get0_certificate(uintptr_t)');
export const contextPrivateKey: Native<[Pointer]> = own('uintptr_t SSL_CTX_get0_privatekey(uintptr_t)');
export const useCertificateAndKey: Native<[Pointer, Pointer, Pointer, Pointer, number]> = own(
  'int SSL_use_cert_and_key(uintptr_t, uintptr_t, uintptr_t, uintptr_t, int)',
);

/** Flags and constants of openssl/ssl.h 3.5. */
export const NO_BLOCK = 1;
export const SSL_STREAM_FLAG_UNI = 1;
export const SSL_DEFAULT_STREAM_MODE_NONE = 0;
export const SSL_WRITE_FLAG_CONCLUDE = 1;
export const SSL_SHUTDOWN_FLAG_RAPID = 1;
export const SSL_SHUTDOWN_FLAG_NO_STREAM_FLUSH = 2;
export const SSL_SHUTDOWN_FLAG_NO_BLOCK = 4;
export const SSL_STREAM_TYPE_BIDI = 3;
export const SSL_STREAM_STATE_OK = 1;
export const SSL_STREAM_STATE_FINISHED = 3;
export const SSL_VALUE_CLASS_GENERIC = 0;
export const SSL_VALUE_CLASS_FEATURE_REQUEST = 1;
export const SSL_VALUE_QUIC_IDLE_TIMEOUT = 5;
export const SSL_VALUE_EVENT_HANDLING_MODE = 6;
export const SSL_VALUE_EVENT_HANDLING_MODE_EXPLICIT = 2;
/** Writes the chain of a context. */
export const SSL_CTRL_GET_EXTRA_CHAIN_CERTS = 82;
