import type { AnnouncementState, Layer2Link } from './layer2-responder.ts';

/** What the answering thread is told. Times are `machineMonotonicMs`. */
export type AnsweringCommand =
  | { readonly kind: 'announce'; readonly address: string; readonly links: readonly Layer2Link[] }
  | { readonly kind: 'withdraw'; readonly address: string }
  | { readonly kind: 'extend'; readonly deadlineMs: number }
  | { readonly kind: 'stop' };

/** What it tells. */
export type AnsweringEvent =
  | { readonly kind: 'state'; readonly address: string; readonly state: AnnouncementState }
  /** Another host claims the address. */
  | { readonly kind: 'foreign'; readonly address: string; readonly mac: string }
  /** A call on a link failed. */
  | { readonly kind: 'failed'; readonly link: number; readonly what: string; readonly errno: number }
  | { readonly kind: 'stopped' };

/** What the thread is started with. */
export interface AnsweringThreadData {
  /** Signalled when there is a command in the port. */
  readonly wakeFd: number;
  /** One 32-bit count each: frames answered, announcements and probes sent. */
  readonly counters: SharedArrayBuffer;
}

/** Places in {@link AnsweringThreadData.counters}. */
export const answeringCounter = { received: 0, answered: 1, sent: 2, size: 3 } as const;
