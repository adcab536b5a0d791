import { asn1Time } from './asn1-time.ts';
import { declare } from './libc.ts';
import { NativeText } from './openssl.ts';
import * as native from './openssl-revocation.ts';

const cMemcpy = declare<[number, number, number]>('uintptr_t memcpy(uintptr_t, uintptr_t, size_t)');

/** A copy of bytes that C owns. */
export function copyFromNative(address: number, length: number): Buffer {
  const copy = new NativeText(new Uint8Array(length));
  if (length > 0) cMemcpy(copy.address, address, length);
  return copy.bytes.subarray(0, length);
}

/** An ASN1_TIME of OpenSSL in Unix ms; undefined for NULL, NaN for one that cannot be read. */
export function timeOf(pointer: number): number | undefined {
  if (pointer === 0) return undefined;
  return asn1Time(copyFromNative(native.stringData(pointer), native.stringLength(pointer)).toString('latin1'));
}
