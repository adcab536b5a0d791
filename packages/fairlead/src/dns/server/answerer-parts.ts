import { rrType } from '../../wire/dns/constants.ts';
import type { ViewChooser } from '../views/view-chooser.ts';
import type { AccessRule } from './access-list.ts';
import type { AddressPrefix } from './address-prefix.ts';
import type { ForeignBuffers } from './foreign-layout.ts';
import type { ServerCookies } from './server-cookie.ts';

/** What a thread's answerer may have besides the table. */
export interface AnswererParts {
  /** Counters to use; see counters.ts. */
  readonly counters?: Float64Array;
  /** Forwarded answers. */
  readonly foreign?: ForeignBuffers;
  readonly cookies?: ServerCookies;
  /** Senders whose client subnet option (RFC 7871) is believed. Default: none. */
  readonly subnetSources?: readonly AddressPrefix[];
  /** Who may ask for what. Default: all for everything. */
  readonly accessRules?: readonly AccessRule[] | undefined;
  /** Views of clients, and what they may; absent: there are none. */
  readonly views?: ViewChooser | undefined;
  /** A NOTIFY is for the main thread. Default: nobody takes any. */
  readonly takesNotify?: boolean | undefined;
  /** Clients that may have whole zones, over streams that allow it. Default: none. */
  readonly transferTo?: readonly AddressPrefix[];
}

/** HINFO record of the minimal ANY answer (RFC 8482 4.2): owner pointer, type, class, TTL 3600, "RFC8482" "". */
export const anyRecord: Uint8Array = Uint8Array.of(
  ...[0xc0, 12, 0, rrType.HINFO, 0, 1, 0, 0, 0x0e, 0x10, 0, 9, 7],
  ...[...'RFC8482'].map((char) => char.charCodeAt(0)),
  0,
);
