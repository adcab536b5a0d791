// The QUIC functions of OpenSSL 3.5 (openssl/ssl.h, openssl/quic.h). Pointers are numbers, as in libc.ts.
import { declareOwn } from './libc.ts';
import type { OpensslPointer as Pointer } from './openssl.ts';

type Native<Args extends readonly number[]> = (...args: Args) => number;
const own = declareOwn;

/** QUIC with TLS 1.3, server side; static. */
export const quicServerMethod: Native<[]> = own('uintptr_t OSSL_QUIC_server_method()');
/** QUIC with TLS 1.3, client side; static. */
export const quicClientMethod: Native<[]> = own('uintptr_t OSSL_QUIC_client_method()');
/** (context, flags): what accepts connections, 0 on failure. */
export const newListener: Native<[Pointer, number]> = own('uintptr_t SSL_new_listener(uintptr_t, uint64_t)');
/** Begins to accept; 1 on success. */
export const startListener: Native<[Pointer]> = own('int SSL_listen(uintptr_t)');
/** (listener, flags): the next connection, 0 when none waits. */
export const acceptConnection: Native<[Pointer, number]> = own('uintptr_t SSL_accept_connection(uintptr_t, uint64_t)');
/** (connection, flags): the next stream that the peer opened, 0 when none waits. */
export const acceptStream: Native<[Pointer, number]> = own('uintptr_t SSL_accept_stream(uintptr_t, uint64_t)');
/** (connection, flags): a stream of ours, 0 on failure. */
export const newStream: Native<[Pointer, number]> = own('uintptr_t SSL_new_stream(uintptr_t, uint64_t)');
/** (object, 0 or 1): whether calls wait; 1 on success. */
export const setBlockingMode: Native<[Pointer, number]> = own('int SSL_set_blocking_mode(uintptr_t, int)');
/** (connection, mode): whether the connection itself stands for a first stream; 1 on success. */
export const setDefaultStreamMode: Native<[Pointer, number]> = own(
  'int SSL_set_default_stream_mode(uintptr_t, uint32_t)',
);
/** (object, SSL_VALUE_CLASS_*, SSL_VALUE_*, value): 1 on success. */
export const setValue: Native<[Pointer, number, number, number]> = own(
  'int SSL_set_value_uint(uintptr_t, uint32_t, uint32_t, uint64_t)',
);
/** Reads, writes and looks at timers; 1 on success. */
export const handleEvents: Native<[Pointer]> = own('int SSL_handle_events(uintptr_t)');
/** (object, timeval, address of an int): when {@link handleEvents} is due, or that it never is; 1 on success. */
export const eventTimeout: Native<[Pointer, number, number]> = own(
  'int SSL_get_event_timeout(uintptr_t, uintptr_t, uintptr_t)',
);
/** (object, bytes, count, peer, local or 0): a datagram that somebody else has received; 1 on success. */
export const injectDatagram: Native<[Pointer, number, number, Pointer, Pointer]> = own(
  'int SSL_inject_net_dgram(uintptr_t, uintptr_t, size_t, uintptr_t, uintptr_t)',
);
/** (object, BIO): where datagrams go; takes over the BIO. */
export const setWriteBio: Native<[Pointer, Pointer]> = own('void SSL_set0_wbio(uintptr_t, uintptr_t)');
/** (object, BIO): where datagrams come from; takes over the BIO. */
export const setReadBio: Native<[Pointer, Pointer]> = own('void SSL_set0_rbio(uintptr_t, uintptr_t)');
/** (descriptor, 1 to close it with the BIO): 0 on failure. */
export const newDatagramBio: Native<[number, number]> = own('uintptr_t BIO_new_dgram(int, int)');
/** An address, 0 on failure; free it by {@link freePeer}. */
export const newPeer: Native<[]> = own('uintptr_t BIO_ADDR_new()');
/** Frees an address. */
export const freePeer: Native<[Pointer]> = own('void BIO_ADDR_free(uintptr_t)');
/** (address, family, bytes, count, port in network order): 1 on success. */
export const makePeer: Native<[Pointer, number, number, number, number]> = own(
  'int BIO_ADDR_rawmake(uintptr_t, int, uintptr_t, size_t, unsigned short)',
);
/** (connection, address): where a client connects to; 1 on success. */
export const setInitialPeer: Native<[Pointer, Pointer]> = own('int SSL_set1_initial_peer_addr(uintptr_t, uintptr_t)');
/** (connection, list of length-prefixed names, bytes): 0 on success. */
export const setClientProtocols: Native<[Pointer, number, number]> = own(
  'int SSL_set_alpn_protos(uintptr_t, uintptr_t, unsigned int)',
);
/** (stream, buffer, bytes, address of the count read): 1 when anything was read. */
export const readStream: Native<[Pointer, number, number, number]> = own(
  'int SSL_read_ex(uintptr_t, uintptr_t, size_t, uintptr_t)',
);
/** (stream, buffer, bytes, SSL_WRITE_FLAG_*, address of the count written): 1 on success. */
export const writeStream: Native<[Pointer, number, number, number, number]> = own(
  'int SSL_write_ex2(uintptr_t, uintptr_t, size_t, uint64_t, uintptr_t)',
);
/** (stream, flags): nothing more is sent; 1 on success. */
export const concludeStream: Native<[Pointer, number]> = own('int SSL_stream_conclude(uintptr_t, uint64_t)');
/** (stream, arguments with the error code, their bytes): 1 on success. */
export const resetStream: Native<[Pointer, number, number]> = own('int SSL_stream_reset(uintptr_t, uintptr_t, size_t)');
/** The number of a stream (RFC 9000 2.1). */
export const streamId: Native<[Pointer]> = own('uint64_t SSL_get_stream_id(uintptr_t)');
/** SSL_STREAM_TYPE_BIDI, or one of the one-way types. */
export const streamType: Native<[Pointer]> = own('int SSL_get_stream_type(uintptr_t)');
/** One of SSL_STREAM_STATE_*, of the receiving side. */
export const readState: Native<[Pointer]> = own('int SSL_get_stream_read_state(uintptr_t)');
/** One of SSL_STREAM_STATE_*, of the sending side. */
export const writeState: Native<[Pointer]> = own('int SSL_get_stream_write_state(uintptr_t)');
/** 1 when the handshake is done. */
export const isHandshakeDone: Native<[Pointer]> = own('int SSL_is_init_finished(uintptr_t)');
/** (connection, structure, its bytes): why a connection ended; 1 when it has. */
export const closeInfo: Native<[Pointer, number, number]> = own(
  'int SSL_get_conn_close_info(uintptr_t, uintptr_t, size_t)',
);
/** (connection, SSL_SHUTDOWN_FLAG_*, arguments or 0, their bytes): 1 when it is over, 0 while it takes time. */
export const shutDown: Native<[Pointer, number, number, number]> = own(
  'int SSL_shutdown_ex(uintptr_t, uint64_t, uintptr_t, size_t)',
);
/** (connection, 0): the name that a client asked for, null for none. */
export const serverNameOf: (session: Pointer, type: number) => string | null = own<[number, number]>(
  'const char *SSL_get_servername(uintptr_t, int)',
) as unknown as (session: Pointer, type: number) => string | null;

/** (context, callback, its argument): who chooses a certificate for a handshake. */
export const setCertificateCallback: Native<[Pointer, Pointer, Pointer]> = own(
  'void SSL_CTX_set_cert_cb(uintptr_t, uintptr_t, uintptr_t)',
);
/** The leaf of a context; no reference is taken. */
export const contextCertificate: Native<[Pointer]> = own('uintptr_t SSL_CTX_get0_certificate(uintptr_t)');
/** The key of a context; no reference is taken. */
export const contextPrivateKey: Native<[Pointer]> = own('uintptr_t SSL_CTX_get0_privatekey(uintptr_t)');
/** (connection, certificate, key, chain, 1 to replace): takes references; 1 on success. */
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
