import { callbackAddress, declare, declareOwn } from './libc.ts';
import { NativeText, TLS1_3_VERSION } from './openssl.ts';
import { PinnedBuffer } from './pinned.ts';
import { TICKET_KEY_BYTES } from './ticket-key.ts';

const NAME_BYTES = 16;
const IV_BYTES = 16;

const cMemcpy = declare<[number, number, number]>('uintptr_t memcpy(uintptr_t, uintptr_t, size_t)');
const cRandom = declareOwn<[number, number]>('int RAND_bytes(uintptr_t, int)');
const cVersion = declareOwn<[number]>('int SSL_version(uintptr_t)');
const cFetchCipher = declareOwn<[number, number, number]>(
  'uintptr_t EVP_CIPHER_fetch(uintptr_t, uintptr_t, uintptr_t)',
);
const cEncryptInit = declareOwn<[number, number, number, number, number]>(
  'int EVP_EncryptInit_ex(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t)',
);
const cDecryptInit = declareOwn<[number, number, number, number, number]>(
  'int EVP_DecryptInit_ex(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t)',
);
const cMacSetParams = declareOwn<[number, number]>('int EVP_MAC_CTX_set_params(uintptr_t, uintptr_t)');

/** Keys of this thread, the present one first. */
const KEYS_MAX = 6;
const keys = new PinnedBuffer(TICKET_KEY_BYTES * KEYS_MAX);
let count = 0;
const scratch = new PinnedBuffer(64);

/**
 * For each key OSSL_PARAM[3] { key, digest, end }. struct OSSL_PARAM: key:char* | data_type:u32 + padding |
 * data:void* | data_size:u64 | return_size:u64.
 */
const PARAM_BYTES = 40;
const OSSL_PARAM_UTF8_STRING = 4;
const OSSL_PARAM_OCTET_STRING = 5;
const PARAMS_BYTES = PARAM_BYTES * 3;
const params = new PinnedBuffer(PARAMS_BYTES * KEYS_MAX);
const KEY_NAME = new NativeText('key');
const DIGEST_NAME = new NativeText('digest');
const SHA256 = new NativeText('SHA256');
const AES_256_CBC = new NativeText('AES-256-CBC');

let cipherPointer = 0;

/** Looked up once: by name it takes longer than encrypting a ticket. */
function aes(): number {
  if (cipherPointer === 0) cipherPointer = cFetchCipher(0, AES_256_CBC.address, 0);
  return cipherPointer;
}

function writeParam(at: number, name: NativeText, type: number, address: number, size: number): void {
  const { bytes } = params;
  bytes.writeBigUInt64LE(BigInt(name.address), at);
  bytes.writeUInt32LE(type, at + 8);
  bytes.writeBigUInt64LE(BigInt(address), at + 16);
  bytes.writeBigUInt64LE(BigInt(size), at + 24);
  bytes.writeBigUInt64LE(0n, at + 32);
}

/**
 * Sets the ticket keys of this thread: the first encrypts new tickets, all decrypt. At most six,
 * {@link TICKET_KEY_BYTES} each; without one tickets are made by nobody and every handshake is full.
 */
export function setTicketKeys(ring: readonly Uint8Array[]): void {
  count = 0;
  keys.bytes.fill(0);
  for (const key of ring.slice(0, KEYS_MAX)) {
    if (key.length !== TICKET_KEY_BYTES) continue;
    keys.bytes.set(key, count * TICKET_KEY_BYTES);
    const macKey = keys.address + count * TICKET_KEY_BYTES + NAME_BYTES;
    writeParam(count * PARAMS_BYTES, KEY_NAME, OSSL_PARAM_OCTET_STRING, macKey, 32);
    writeParam(count * PARAMS_BYTES + PARAM_BYTES, DIGEST_NAME, OSSL_PARAM_UTF8_STRING, SHA256.address, SHA256.length);
    count++;
  }
}

function findKey(): number {
  for (let i = 0; i < count; i++) {
    const at = i * TICKET_KEY_BYTES;
    if (keys.bytes.compare(scratch.bytes, 0, NAME_BYTES, at, at + NAME_BYTES) === 0) return i;
  }
  return -1;
}

function setMac(mac: number, key: number): boolean {
  return cMacSetParams(mac, params.address + key * PARAMS_BYTES) === 1;
}

const aesKeyAddress = (key: number): number => keys.address + key * TICKET_KEY_BYTES + NAME_BYTES + 32;

let address = 0;

/** The SSL_CTX_set_tlsext_ticket_key_evp_cb callback of this thread. */
export function ticketCallback(): number {
  if (address === 0) {
    address = callbackAddress<[number, number, number, number, number, number]>(
      'int fairlead_ticket(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, int)',
      (session, name, iv, cipher, mac, encrypt) => {
        if (encrypt === 1) {
          if (count === 0) return 0;
          if (cRandom(iv, IV_BYTES) !== 1) return -1;
          cMemcpy(name, keys.address, NAME_BYTES);
          return cEncryptInit(cipher, aes(), 0, aesKeyAddress(0), iv) === 1 && setMac(mac, 0) ? 1 : -1;
        }
        cMemcpy(scratch.address, name, NAME_BYTES);
        const key = findKey();
        // 0: unknown key, so a full handshake follows. 2: known, but renew the ticket.
        if (key < 0) return 0;
        if (cDecryptInit(cipher, aes(), 0, aesKeyAddress(key), iv) !== 1 || !setMac(mac, key)) return -1;
        // Clients of TLS 1.3 use a ticket once (RFC 8446 C.4): without another one their next handshake is full.
        return key === 0 && cVersion(session) !== TLS1_3_VERSION ? 1 : 2;
      },
    );
  }
  return address;
}
