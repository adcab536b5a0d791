import { timeOf } from './native-values.ts';
import { bioFree, bioFromMemory, clearErrors, NativeText } from './openssl.ts';
import * as native from './openssl-revocation.ts';

const NO_PASSPHRASE = new NativeText('');

/** X509_CRLs of PEM (any number) or DER (one); the caller frees them. */
function readRevocationLists(bytes: Uint8Array): number[] {
  const memory = new NativeText(bytes);
  const found: number[] = [];
  if (Buffer.from(bytes.subarray(0, 4096)).includes('-----BEGIN')) {
    const bio = bioFromMemory(memory.address, memory.length);
    for (let list = 1; list !== 0; ) {
      list = native.crlRead(bio, 0, 0, NO_PASSPHRASE.address);
      if (list !== 0) found.push(list);
    }
    bioFree(bio);
  } else {
    const bio = bioFromMemory(memory.address, memory.length);
    const list = native.crlReadDer(bio, 0);
    if (list !== 0) found.push(list);
    bioFree(bio);
  }
  // The end of the text is an error in OpenSSL's eyes. Read after the last use, so that the memory outlives it.
  clearErrors();
  return memory.length === 0 ? [] : found;
}

/**
 * Lets a certificate store refuse what the lists revoke (RFC 5280 6.3): whole chains if there is a list for each of
 * its `authorities`, else the last certificate only. A list that has expired lets nobody in.
 *
 * @returns what is wrong with them.
 */
export function addRevocationLists(store: number, bytes: Uint8Array, authorities: number): string | undefined {
  const lists = readRevocationLists(bytes);
  for (const list of lists) {
    native.storeAddCrl(store, list);
    native.crlFree(list);
  }
  if (lists.length === 0) return 'the revocation list is neither PEM nor DER';
  const all = lists.length >= authorities ? native.X509_V_FLAG_CRL_CHECK_ALL : 0;
  native.storeSetFlags(store, native.X509_V_FLAG_CRL_CHECK | all);
  return undefined;
}

/** When the first of the lists expires, Unix ms; undefined if none says, NaN if they cannot be read. */
export function revocationListsExpiry(bytes: Uint8Array): number | undefined {
  const lists = readRevocationLists(bytes);
  const times = lists.map((list) => timeOf(native.crlNextUpdate(list)));
  for (const list of lists) native.crlFree(list);
  if (lists.length === 0) return Number.NaN;
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
