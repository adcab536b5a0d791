/** BGP-4 (RFC 4271) and the extensions that are spoken here. */
export const BGP_PORT = 179;
export const BGP_HEADER_BYTES = 19;
/** Largest message without extended messages, header included. */
export const BGP_MAX_BYTES = 4096;
/** Stands for an AS number above 65,535 where two bytes must do (RFC 6793). */
export const AS_TRANS = 23456;

/** Message types (RFC 4271 4.1, RFC 2918). */
export const messageType = { open: 1, update: 2, notification: 3, keepalive: 4, routeRefresh: 5 } as const;

/** Capability codes (RFC 5492). */
export const capability = {
  multiprotocol: 1,
  routeRefresh: 2,
  gracefulRestart: 64,
  fourByteAs: 65,
} as const;

/** Address family identifiers, with SAFI 1 (unicast). */
export const afi = { ipv4: 1, ipv6: 2 } as const;
export const safiUnicast = 1;

/** Error codes of NOTIFICATION (RFC 4271 4.5, RFC 4486, RFC 9003). */
export const errorCode = {
  header: 1,
  open: 2,
  update: 3,
  holdTimer: 4,
  stateMachine: 5,
  cease: 6,
} as const;

const names: Readonly<Record<number, readonly [string, Readonly<Record<number, string>>]>> = {
  1: ['message header error', { 1: 'connection not synchronized', 2: 'bad message length', 3: 'bad message type' }],
  2: [
    'OPEN error',
    {
      1: 'unsupported version',
      2: 'bad peer AS',
      3: 'bad BGP identifier',
      4: 'unsupported optional parameter',
      5: 'authentication failure',
      6: 'unacceptable hold time',
      7: 'unsupported capability',
    },
  ],
  3: [
    'UPDATE error',
    { 1: 'malformed attribute list', 3: 'missing attribute', 8: 'invalid next hop', 11: 'malformed AS path' },
  ],
  4: ['hold timer expired', {}],
  5: ['state machine error', {}],
  6: [
    'cease',
    {
      1: 'maximum number of prefixes reached',
      2: 'administrative shutdown',
      3: 'peer de-configured',
      4: 'administrative reset',
      5: 'connection rejected',
      6: 'other configuration change',
      7: 'connection collision',
      8: 'out of resources',
    },
  ],
};

/** A NOTIFICATION's codes in words. */
export function bgpErrorText(code: number, subcode: number): string {
  const [name, details] = names[code] ?? [`error ${code}`, {}];
  const detail = subcode === 0 ? undefined : (details[subcode] ?? `subcode ${subcode}`);
  return detail === undefined ? name : `${name}: ${detail}`;
}
