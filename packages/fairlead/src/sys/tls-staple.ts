// Once per handshake of a client that asks for the status of our certificate.
import { callbackAddress, declare, declareOwn } from './libc.ts';
import { NativeText, sslControl } from './openssl.ts';

const cMalloc = declareOwn<[number, number, number]>('uintptr_t CRYPTO_malloc(size_t, uintptr_t, int)');
const cMemcpy = declare<[number, number, number]>('uintptr_t memcpy(uintptr_t, uintptr_t, size_t)');
const cContextOf = declareOwn<[number]>('uintptr_t SSL_get_SSL_CTX(uintptr_t)');
const cSetCallback = declareOwn<[number, number, number]>('long SSL_CTX_callback_ctrl(uintptr_t, int, uintptr_t)');

/** openssl/ssl.h 3.5. */
const SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB = 63;
const SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP = 71;
const SSL_TLSEXT_ERR_OK = 0;
const SSL_TLSEXT_ERR_NOACK = 3;

const FILE_NAME = new NativeText('tls-staple');
/** Responses by SSL_CTX. */
const staples = new Map<number, NativeText>();
let address = 0;

/** The status callback of this thread. */
function stapleCallback(): number {
  if (address === 0) {
    address = callbackAddress<[number, number]>('int fairlead_staple(uintptr_t, uintptr_t)', (session) => {
      const staple = staples.get(cContextOf(session));
      if (staple === undefined) return SSL_TLSEXT_ERR_NOACK;
      // The session frees it with OPENSSL_free.
      const copy = cMalloc(staple.length, FILE_NAME.address, 0);
      if (copy === 0) return SSL_TLSEXT_ERR_NOACK;
      cMemcpy(copy, staple.address, staple.length);
      return sslControl(session, SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP, staple.length, copy) === 1
        ? SSL_TLSEXT_ERR_OK
        : SSL_TLSEXT_ERR_NOACK;
    });
  }
  return address;
}

/** Sets the OCSP response that handshakes of a context staple (RFC 6066 8); undefined: none. */
export function setContextStaple(context: number, response: Uint8Array | undefined): void {
  if (response === undefined) {
    staples.delete(context);
    return;
  }
  staples.set(context, new NativeText(response));
  cSetCallback(context, SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB, stapleCallback());
}

/** The context is about to be freed; sessions under way go on without. */
export function forgetContextStaple(context: number): void {
  staples.delete(context);
}
