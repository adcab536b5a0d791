import type { BfdState } from '../../wire/bfd/bfd-packet.ts';
import type { BfdCause, BfdTimes } from './bfd-machine.ts';

/** A neighbour on a link to be watched. */
export interface BfdPeer {
  readonly address: string;
  /** Default: the kernel's choice. */
  readonly sourceAddress?: string;
  readonly times: BfdTimes;
}

/** What the BFD thread is told. */
export type BfdCommand =
  | { readonly kind: 'watch'; readonly name: string; readonly peer: BfdPeer }
  | { readonly kind: 'unwatch'; readonly name: string }
  | { readonly kind: 'stop' };

/** What it tells. */
export type BfdEvent =
  | { readonly kind: 'state'; readonly name: string; readonly state: BfdState; readonly cause: BfdCause }
  /** A session cannot be had. */
  | { readonly kind: 'failed'; readonly name: string; readonly message: string };

/** Whether a session that was up `before` has failed: not when the peer is taken out of service on purpose (RFC 5882 3.2). */
export function hasFailed(before: string | undefined, event: BfdEvent): boolean {
  if (event.kind !== 'state' || before !== 'Up' || event.state === 'Up') return false;
  return event.cause !== 'peer is administratively down';
}
