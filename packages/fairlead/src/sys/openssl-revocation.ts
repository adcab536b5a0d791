// OCSP and revocation lists of the OpenSSL inside Node. Pointers are numbers, as in libc.ts.
import { declareOwn } from './libc.ts';

type Pointer = number;
type Native<Args extends readonly number[]> = (...args: Args) => number;
const own = declareOwn;

/** (BIO, 0, 0, 0): the next revocation list of a PEM text, 0 at its end. */
export const crlRead: Native<[Pointer, number, number, number]> = own(
  'uintptr_t PEM_read_bio_X509_CRL(uintptr_t, uintptr_t, uintptr_t, uintptr_t)',
);
/** (BIO, 0): a revocation list in DER, 0 on failure. */
export const crlReadDer: Native<[Pointer, number]> = own('uintptr_t d2i_X509_CRL_bio(uintptr_t, uintptr_t)');
/** Gives back a revocation list. */
export const crlFree: Native<[Pointer]> = own('void X509_CRL_free(uintptr_t)');
/** When a list is to be replaced, as an ASN.1 time; 0 when it does not say. No reference is taken. */
export const crlNextUpdate: Native<[Pointer]> = own('uintptr_t X509_CRL_get0_nextUpdate(uintptr_t)');
/** (store, list): takes a reference; 1 on success. */
export const storeAddCrl: Native<[Pointer, Pointer]> = own('int X509_STORE_add_crl(uintptr_t, uintptr_t)');
/** (store, X509_V_FLAG_* bits): 1 on success. */
export const storeSetFlags: Native<[Pointer, number]> = own('int X509_STORE_set_flags(uintptr_t, unsigned long)');
/** Gives back a store. */
export const storeFree: Native<[Pointer]> = own('void X509_STORE_free(uintptr_t)');

/** Where the bytes of an ASN.1 string are; they live as long as the string. */
export const stringData: Native<[Pointer]> = own('uintptr_t ASN1_STRING_get0_data(uintptr_t)');
/** Bytes of an ASN.1 string. */
export const stringLength: Native<[Pointer]> = own('int ASN1_STRING_length(uintptr_t)');

/** An empty stack, 0 on failure. */
export const stackNew: Native<[]> = own('uintptr_t OPENSSL_sk_new_null()');
/** (stack, item): the new count, 0 on failure; the stack owns nothing. */
export const stackPush: Native<[Pointer, Pointer]> = own('int OPENSSL_sk_push(uintptr_t, uintptr_t)');
/** Frees a stack, not its items. */
export const stackFree: Native<[Pointer]> = own('void OPENSSL_sk_free(uintptr_t)');

/** An OCSP request (RFC 6960 4.1), 0 on failure. */
export const requestNew: Native<[]> = own('uintptr_t OCSP_REQUEST_new()');
/** Frees a request and the certificates' identifiers in it. */
export const requestFree: Native<[Pointer]> = own('void OCSP_REQUEST_free(uintptr_t)');
/** (request, identifier): takes over the identifier; 0 on failure. */
export const requestAddId: Native<[Pointer, Pointer]> = own('uintptr_t OCSP_request_add0_id(uintptr_t, uintptr_t)');
/** (request, address of a pointer or 0): as {@link certificateToDer}. */
export const requestToDer: Native<[Pointer, number]> = own('int i2d_OCSP_REQUEST(uintptr_t, uintptr_t)');
/** (digest or 0 for SHA-1, certificate, issuer): the identifier, 0 on failure. */
export const certificateId: Native<[Pointer, Pointer, Pointer]> = own(
  'uintptr_t OCSP_cert_to_id(uintptr_t, uintptr_t, uintptr_t)',
);
/** Frees an identifier. */
export const certificateIdFree: Native<[Pointer]> = own('void OCSP_CERTID_free(uintptr_t)');
/** (0, address of a pointer, bytes): reads an OCSP response and moves the pointer behind it; 0 on failure. */
export const responseFromDer: Native<[number, number, number]> = own(
  'uintptr_t d2i_OCSP_RESPONSE(uintptr_t, uintptr_t, long)',
);
/** Frees a response. */
export const responseFree: Native<[Pointer]> = own('void OCSP_RESPONSE_free(uintptr_t)');
/** 0 for `successful` (RFC 6960 4.2.1). */
export const responseStatus: Native<[Pointer]> = own('int OCSP_response_status(uintptr_t)');
/** The signed part with a reference of its own, 0 for none; free it by {@link basicFree}. */
export const responseBasic: Native<[Pointer]> = own('uintptr_t OCSP_response_get1_basic(uintptr_t)');
/** Frees the signed part. */
export const basicFree: Native<[Pointer]> = own('void OCSP_BASICRESP_free(uintptr_t)');
/** (signed part, certificates, store, flags): 1 when its signature is one to trust. */
export const basicVerify: Native<[Pointer, Pointer, Pointer, number]> = own(
  'int OCSP_basic_verify(uintptr_t, uintptr_t, uintptr_t, unsigned long)',
);
/**
 * (signed part, identifier, five addresses for status, reason and times, or 0): 1 when the response is about that
 * certificate.
 */
export const findStatus: Native<[Pointer, Pointer, number, number, number, number, number]> = own(
  'int OCSP_resp_find_status(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t)',
);

/** openssl/x509_vfy.h 3.5. */
export const X509_V_FLAG_CRL_CHECK = 0x4;
export const X509_V_FLAG_CRL_CHECK_ALL = 0x8;
export const X509_V_FLAG_PARTIAL_CHAIN = 0x8_0000;
/** openssl/ocsp.h 3.5: certificates that are given along are trusted. */
export const OCSP_TRUSTOTHER = 0x200;
