import type { AnswerTemplate } from '../answer-templates.ts';
import type { HostsEntry } from '../compile-static.ts';
import type { Secondary } from '../notify-secondaries.ts';
import type { RewriteRule } from '../rewrite-rules.ts';
import type { SecondarySource } from '../secondary-zones.ts';
import type { AccessRule } from '../server/access-list.ts';
import type { ViewZone } from '../views/view-plan.ts';
import type { ZoneFileSettings } from '../zone-files.ts';

/** What names outside the cluster's zones are answered by: of all blocks together, or of a block with a view. */
export interface CorefileNames {
  readonly upstreams?: 'resolv.conf' | readonly string[];
  readonly forwardRules: Readonly<Record<string, readonly string[]>>;
  readonly hosts: readonly HostsEntry[];
  readonly rewrites: readonly RewriteRule[];
  readonly templates?: readonly AnswerTemplate[];
  readonly accessRules?: readonly AccessRule[];
  readonly zoneFiles?: ZoneFileSettings;
  readonly secondaries?: readonly SecondarySource[];
}

/** What a Corefile says, as options of `startDns`. Absent: it says nothing about it. */
export interface CorefileSettings extends CorefileNames {
  readonly clusterDomain?: string;
  readonly ttlSeconds?: number;
  readonly podRecords?: 'disabled' | 'verified';
  readonly externalZone?: string;
  readonly clustersetZone?: string;
  readonly hasZonalNames?: boolean;
  /** Who may transfer zones: addresses, networks or `*`. */
  readonly transferTo?: readonly string[];
  /** Secondaries among them that are told of new serials. */
  readonly notify?: readonly Secondary[];
  readonly lameduckMs?: number;
  readonly logQueries?: boolean;
  readonly completesSearch?: boolean;
  readonly views?: CorefileViews;
}

/** Blocks for some clients only. */
export interface CorefileViews {
  /** Which block of a zone is for whom. */
  readonly zones: readonly ViewZone[];
  /** View `n` is at `n - 1`. */
  readonly views: readonly CorefileView[];
}

/** What the clients of a view get. */
export interface CorefileView extends CorefileNames {
  readonly hasCluster: boolean;
}

/** What became of one line. */
export interface CorefileNote {
  readonly line: number;
  readonly directive: string;
  /** `taken`, `built in` (Fairlead does it in any case), or `ignored`. */
  readonly result: 'taken' | 'built in' | 'ignored';
  readonly detail: string;
}

/** Settings that are being read. */
export type MutableSettings = { -readonly [K in keyof CorefileSettings]: CorefileSettings[K] };

/** Nothing yet. */
export function emptySettings(): MutableSettings {
  return { forwardRules: {}, hosts: [], rewrites: [] };
}

/** What became of a directive, and why. */
export type Outcome = readonly [result: CorefileNote['result'], detail: string];

/** The server block of a directive. */
export interface Block {
  readonly zones: readonly string[];
  /** Folder of relative paths. */
  readonly root: string | undefined;
  /** Domain whose names come from the API in this block; absent: none. */
  readonly clusterDomain: string | undefined;
  /** A file that a Corefile names; absent: it cannot be read. */
  readonly readFile: (path: string) => string | undefined;
}

/** `; not taken: …` for the rest of a line; empty when there is none. */
export function leftText(left: readonly string[]): string {
  return left.length === 0 ? '' : `; not taken: ${left.join(', ')}`;
}
