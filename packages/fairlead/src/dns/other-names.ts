import { foldName, nameToText, type WireName } from '../wire/dns/name.ts';
import { type AnswerTemplate, AnswerTemplates } from './answer-templates.ts';
import { Forwarder, type ForwarderOptions, type ForwardRule } from './forward/forwarder.ts';
import type { Upstream } from './forward/upstream-exchange.ts';
import { normalizeName } from './owner-names.ts';
import type { CompiledRecords, DnsProgram, NameRecords, OwnerName } from './program.ts';
import { type RewriteRule, RewriteRules } from './rewrite-rules.ts';
import { type AccessAction, AccessList, type AccessRule } from './server/access-list.ts';
import type { ZoneSet } from './zone-set.ts';

/** What names outside our zones are answered by. */
export interface OtherNamesOptions {
  readonly upstreams: readonly Upstream[];
  /** Domains with upstreams of their own. */
  readonly forwardRules?: readonly ForwardRule[];
  readonly rewrites?: readonly RewriteRule[];
  readonly templates?: readonly AnswerTemplate[];
  /** Zones of files and of primaries. */
  readonly fileZones?: Pick<ZoneSet, 'find' | 'get'> | undefined;
  /** Who may ask for what. Default: all for everything. */
  readonly accessRules?: readonly AccessRule[];
}

/** A view of some clients. */
export interface ViewOptions extends OtherNamesOptions {
  /** It has the names that come from the API. */
  readonly hasCluster: boolean;
  /** Names with fixed addresses, of this view alone. */
  readonly hosts: CompiledRecords;
}

/** What all forwarders of a server have in common. */
export type ForwarderParts = Pick<ForwarderOptions, 'clock' | 'random' | 'onAnswer' | 'onExchanged' | 'tlsAuthorities'>;

/** Names outside our zones: those of the server itself, or of one of its views. */
export class OtherNames {
  readonly forwarder: Forwarder;
  readonly rewrites: RewriteRules;
  readonly templates: AnswerTemplates;
  readonly fileZones: Pick<ZoneSet, 'find' | 'get'> | undefined;
  readonly access: AccessList | undefined;
  /** Whether the names that come from the API are answered. */
  readonly hasCluster: boolean;
  readonly #hosts: CompiledRecords | undefined;

  /** @throws DnsError `options` for a pattern that is none. */
  constructor(options: OtherNamesOptions | ViewOptions, parts: ForwarderParts) {
    const { upstreams, forwardRules, accessRules = [] } = options;
    this.forwarder = new Forwarder({ ...parts, upstreams, rules: forwardRules ?? [] });
    this.rewrites = new RewriteRules(options.rewrites ?? []);
    this.templates = new AnswerTemplates(options.templates ?? []);
    this.fileZones = options.fileZones;
    this.access = accessRules.length === 0 ? undefined : new AccessList(accessRules);
    this.hasCluster = !('hasCluster' in options) || options.hasCluster;
    this.#hosts = 'hosts' in options ? options.hosts : undefined;
  }

  /** What becomes of a question from the raw sockaddr `peer`. */
  actionFor(name: WireName, type: number, peer: Uint8Array): AccessAction {
    return this.access?.check(foldName(name), name.length, type, peer, 0) ?? 'allow';
  }

  /** Whether a client's own query for a name goes to the upstreams: only then an answer of theirs is what it gets. */
  isForwarded(name: WireName, type: number): boolean {
    const owner = normalizeName(nameToText(name));
    return (
      this.#hosts?.has(owner) !== true &&
      this.rewrites.find(owner) === undefined &&
      this.templates.answer(name, owner, type) === undefined &&
      this.fileZones?.find(name) === undefined
    );
  }

  /** The names that a client sees: in a view those of its own hosts, and of the API if it has them. */
  program(whole: DnsProgram): DnsProgram {
    const hosts = this.#hosts;
    if (hosts === undefined) return whole;
    const get = (owner: OwnerName): NameRecords | undefined =>
      hosts.get(owner) ?? (this.hasCluster ? clusterRecords(whole, owner) : undefined);
    return { ...whole, names: { get, entries: () => hosts.entries() } };
  }
}

/** Records that come from the API. Outside our zones, in the reverse trees, other hosts have records, too. */
function clusterRecords({ zone, otherZones, names }: DnsProgram, owner: OwnerName): NameRecords | undefined {
  const isOurs = (name: OwnerName): boolean => [zone, ...otherZones].some(({ origin }) => isInZone(name, origin));
  const records = names.get(owner);
  if (records === undefined || isOurs(owner)) return records;
  const found = records.flatMap((set) => {
    const targets = set.type === 'PTR' ? set.targets.filter(isOurs) : [];
    return set.type === 'PTR' && targets.length > 0 ? [{ ...set, targets }] : [];
  });
  return found.length === 0 ? undefined : found;
}

function isInZone(owner: OwnerName, origin: OwnerName): boolean {
  return owner === origin || owner.endsWith(`.${origin}`);
}
