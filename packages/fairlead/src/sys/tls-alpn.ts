import { callbackAddress, declare } from './libc.ts';
import { NativeText } from './openssl.ts';
import { PinnedBuffer } from './pinned.ts';

const cMemcpy = declare<[number, number, number]>('uintptr_t memcpy(uintptr_t, uintptr_t, size_t)');

const SSL_TLSEXT_ERR_OK = 0;
const SSL_TLSEXT_ERR_ALERT_FATAL = 2;
const SSL_TLSEXT_ERR_NOACK = 3;

/** Protocols a server can choose, RFC 7301 identifiers. */
export type AlpnProtocol = 'http/1.1' | 'h2';

const NAMES: Readonly<Record<AlpnProtocol, NativeText>> = {
  'http/1.1': new NativeText('http/1.1'),
  h2: new NativeText('h2'),
};
/** Pointer and length that the callback answers with. */
const ANSWER = new PinnedBuffer(16);

let choice: AlpnProtocol | 'none' | 'refused' = 'none';

/**
 * What the next handshake step on this thread answers if the client offers protocols: the caller
 * has read the ClientHello and decided. `refused` ends the handshake with no_application_protocol.
 */
export function setAlpnChoice(protocol: AlpnProtocol | 'none' | 'refused'): void {
  choice = protocol;
}

let address = 0;

/** The SSL_CTX_set_alpn_select_cb callback of this thread. */
export function alpnCallback(): number {
  if (address === 0) {
    address = callbackAddress<[number, number, number, number, number, number]>(
      'int fairlead_alpn(uintptr_t, uintptr_t, uintptr_t, uintptr_t, unsigned int, uintptr_t)',
      (_session, out, outLength) => {
        if (choice === 'none') return SSL_TLSEXT_ERR_NOACK;
        if (choice === 'refused') return SSL_TLSEXT_ERR_ALERT_FATAL;
        const name = NAMES[choice];
        ANSWER.bytes.writeBigUInt64LE(BigInt(name.address), 0);
        ANSWER.bytes[8] = name.length;
        cMemcpy(out, ANSWER.address, 8);
        cMemcpy(outLength, ANSWER.address + 8, 1);
        return SSL_TLSEXT_ERR_OK;
      },
    );
  }
  return address;
}
