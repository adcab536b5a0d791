// OCSP and revocation lists of the OpenSSL inside Node. Pointers are numbers, as in libc.ts.
import { declareOwn } from './libc.ts';

type Pointer = number;
type Native<Args extends readonly number[]> = (...args: Args) => number;
const own = declareOwn;

export const crlRead: Native<[Pointer, number, number, number]> = own(
  'uintptr_t PEM_read_bio_X509_CRL(uintptr_t, uintptr_t, uintptr_t, uintptr_t)',
);
export const crlReadDer: Native<[Pointer, number]> = own('uintptr_t d2i_X509_CRL_bio(uintptr_t, uintptr_t)');
export const crlFree: Native<[Pointer]> = own('void X509_CRL_free(uintptr_t)');
export const crlNextUpdate: Native<[Pointer]> = own('uintptr_t X509_CRL_get0_nextUpdate(uintptr_t)');
export const storeAddCrl: Native<[Pointer, Pointer]> = own('int X509_STORE_add_crl(uintptr_t, uintptr_t)');
export const storeSetFlags: Native<[Pointer, number]> = own('int X509_STORE_set_flags(uintptr_t, unsigned long)');
export const storeFree: Native<[Pointer]> = own('void X509_STORE_free(uintptr_t)');

export const stringData: Native<[Pointer]> = own('uintptr_t ASN1_STRING_get0_data(uintptr_t)');
export const stringLength: Native<[Pointer]> = own('int ASN1_STRING_length(uintptr_t)');

export const stackNew: Native<[]> = own('uintptr_t OPENSSL_sk_new_null()');
export const stackPush: Native<[Pointer, Pointer]> = own('int OPENSSL_sk_push(uintptr_t, uintptr_t)');
export const stackFree: Native<[Pointer]> = own('void OPENSSL_sk_free(uintptr_t)');

export const requestNew: Native<[]> = own('uintptr_t OCSP_REQUEST_new()');
export const requestFree: Native<[Pointer]> = own('void OCSP_REQUEST_free(uintptr_t)');
export const requestAddId: Native<[Pointer, Pointer]> = own('uintptr_t OCSP_request_add0_id(uintptr_t, uintptr_t)');
export const requestToDer: Native<[Pointer, number]> = own('int i2d_OCSP_REQUEST(uintptr_t, uintptr_t)');
export const certificateId: Native<[Pointer, Pointer, Pointer]> = own(
  'uintptr_t OCSP_cert_to_id(uintptr_t, uintptr_t, uintptr_t)',
);
export const certificateIdFree: Native<[Pointer]> = own('void OCSP_CERTID_free(uintptr_t)');
export const responseFromDer: Native<[number, number, number]> = own(
  'uintptr_t d2i_OCSP_RESPONSE(uintptr_t, uintptr_t, long)',
);
export const responseFree: Native<[Pointer]> = own('void OCSP_RESPONSE_free(uintptr_t)');
export const responseStatus: Native<[Pointer]> = own('int OCSP_response_status(uintptr_t)');
export const responseBasic: Native<[Pointer]> = own('uintptr_t OCSP_response_get1_basic(uintptr_t)');
export const basicFree: Native<[Pointer]> = own('void OCSP_BASICRESP_free(uintptr_t)');
export const basicVerify: Native<[Pointer, Pointer, Pointer, number]> = own(
  'int OCSP_basic_verify(uintptr_t, uintptr_t, uintptr_t, unsigned long)',
);
export const findStatus: Native<[Pointer, Pointer, number, number, number, number, number]> = own(
  'int OCSP_resp_find_status(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t)',
);

/** openssl/x509_vfy.h 3.5. */
export const X509_V_FLAG_CRL_CHECK = 0x4;
export const X509_V_FLAG_CRL_CHECK_ALL = 0x8;
export const X509_V_FLAG_PARTIAL_CHAIN = 0x8_0000;
/** openssl/ocsp.h 3.5: certificates that are given along are trusted. */
export const OCSP_TRUSTOTHER = 0x200;
