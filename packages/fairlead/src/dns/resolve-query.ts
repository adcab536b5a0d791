import {
  ednsOption,
  extendedError,
  headerFlag,
  optBytes,
  rcode,
  rrClass,
  rrType,
  udpPayloadBytes,
} from '../wire/dns/constants.ts';
import type { DnsQuestion, DnsRecord } from '../wire/dns/message.ts';
import { nameFromText, nameToText, readName, type WireName } from '../wire/dns/name.ts';
import { ParsedQuery, parseQuery, queryVerdict } from '../wire/dns/query.ts';
import { ipv4Bytes, ipv6Bytes } from '../wire/dns/rdata.ts';
import { MessageWriter } from '../wire/dns/writer.ts';
import type { AnswerTemplates } from './answer-templates.ts';
import type { Forwarder } from './forward/forwarder.ts';
import { normalizeName } from './owner-names.ts';
import type { AddressSet, DnsProgram, OwnerName, RecordSet, ZoneFacts } from './program.ts';
import { soaRecord, wireRecordSet } from './record-data.ts';
import type { RewriteRules, Rewritten } from './rewrite-rules.ts';
import { withValue } from './rewrite-values.ts';
import { completeSearch } from './search-completion.ts';
import type { AccessAction } from './server/access-list.ts';
import type { ClientChoice } from './server/client-choice.ts';
import type { ZoneSet } from './zone-set.ts';

/** What the slow path works with. */
export interface ResolveContext {
  readonly program: DnsProgram;
  readonly serial: number;
  readonly forwarder: Pick<Forwarder, 'resolve'>;
  /** The program's zones are ours: what they do not have does not exist. Default: yes. */
  readonly hasZones?: boolean;
  /** Whether names of the zone may be answered already. */
  readonly isSynced: boolean;
  /** Whether all names of another zone of ours are known. Default: yes. */
  readonly isOtherSynced?: (origin: OwnerName) => boolean;
  /** Address of the client, when searches are completed for Pods; absent: they are not. */
  readonly searchClient?: string | undefined;
  /** Number of the answer, for rotation; absent: records keep their order. */
  readonly turn?: number;
  /** Aliases for names outside our zones. */
  readonly rewrites?: Pick<RewriteRules, 'find'> | undefined;
  /** Answers made of names outside our zones. */
  readonly templates?: Pick<AnswerTemplates, 'answer'> | undefined;
  /** Zones of files. */
  readonly fileZones?: Pick<ZoneSet, 'find'> | undefined;
  /** What may become of a question for a name that a rewrite leads to. Default: it is answered. */
  readonly access?: ((name: WireName, type: number) => AccessAction) | undefined;
  /** Who asks, for names whose records depend on it. Default: nobody in particular. */
  readonly clientOf?: ((message: Uint8Array, query: ParsedQuery) => AskingClient) | undefined;
  /** Cookie of the answer for a query that has one; absent: no cookies. */
  readonly cookieFor?: (message: Uint8Array, query: ParsedQuery) => Uint8Array;
}

/** The client of a query. */
export interface AskingClient {
  readonly choice: ClientChoice;
  /** The query's client subnet option is believed: it is repeated. */
  readonly isSubnet: boolean;
}

/** Longest alias chain inside the zone. */
const maxAliases = 8;
/** TTL of the alias that a rewrite rule makes, in seconds. */
const rewriteTtl = 30;

interface Resolution {
  readonly rcode: number;
  readonly answers: readonly DnsRecord[];
  readonly authority: readonly DnsRecord[];
  readonly additional: readonly DnsRecord[];
  readonly authoritative: boolean;
  /** Why it failed, or is what it is (RFC 8914). */
  readonly extendedError?: number | undefined;
}

/**
 * Answers a query that the table cannot: aliases (ExternalName), followed inside the zone and then by the
 * upstreams, and names of others. `limit` is the room of the answer over TCP; absent: UDP, by the OPT record.
 */
export async function resolveQuery(
  message: Uint8Array,
  context: ResolveContext,
  limit?: number,
): Promise<Uint8Array | undefined> {
  const query = new ParsedQuery();
  if (parseQuery(message, 0, message.length, query) !== queryVerdict.ok) return undefined;
  const read = readName(message, 12, message.length);
  if (read === undefined) return undefined;
  const question: DnsQuestion = { name: read.name, type: query.qtype, class: query.qclass };
  const client = context.clientOf?.(message, query);
  const resolution = await resolve(question, query, context, client?.choice);
  const udpLimit = query.hasOpt ? Math.min(query.udpBytes, udpPayloadBytes) : 512;
  const options = query.hasOpt ? ednsOptions(message, query, resolution, context, client) : undefined;
  return encodeAnswer(message, question, query, resolution, limit ?? udpLimit, options);
}

/** Fetches the answer to a query's question anew from the upstreams, for the cache. */
export async function refreshQuery(message: Uint8Array, forwarder: Pick<Forwarder, 'refresh'>): Promise<void> {
  const query = new ParsedQuery();
  const read = readName(message, 12, message.length);
  if (parseQuery(message, 0, message.length, query) !== queryVerdict.ok || read === undefined) return;
  await forwarder.refresh({
    name: read.name,
    type: query.qtype,
    class: rrClass.IN,
    dnssecOk: false,
    checkingDisabled: false,
  });
}

async function resolve(
  question: DnsQuestion,
  query: ParsedQuery,
  context: ResolveContext,
  client: ClientChoice | undefined,
): Promise<Resolution> {
  const { program } = context;
  const answers: DnsRecord[] = [];
  let name = question.name;
  let isRewritten = false;
  for (let aliases = 0; ; aliases++) {
    const owner = normalizeName(nameToText(name));
    const zones = context.hasZones === false ? [] : [program.zone, ...program.otherZones];
    const zone = zones.find(({ origin }) => isInZone(owner, origin));
    const sets = program.names.get(owner) ?? (zone && program.names.get(wildcardOf(owner)));
    const isOutside = sets === undefined && zone === undefined;
    const rewritten = isOutside && !isRewritten ? context.rewrites?.find(owner) : undefined;
    if (rewritten !== undefined) {
      // Once: what a part of a name was replaced by may have that part again.
      isRewritten = true;
      const target = nameFromText(rewritten.target);
      if (target === undefined || aliases >= maxAliases) return failed(rcode.SERVFAIL);
      // Rules are about what is asked for in the end, else a rewrite would lead around them.
      const action = context.access?.(target, question.type) ?? 'allow';
      const isAlias = rewritten.nameOf === undefined;
      if (isAlias) {
        const set: RecordSet = { type: 'CNAME', ttl: rewriteTtl, target: rewritten.target };
        answers.push(...wireRecordSet(name, set, program.zone, context.serial).answers);
      }
      if (action !== 'allow') {
        const info = action === 'filter' ? extendedError.filtered : extendedError.blocked;
        return { ...failed(action === 'filter' ? rcode.NOERROR : rcode.REFUSED), extendedError: info };
      }
      if (!isAlias || rewritten.dataNameOf !== undefined) {
        const found = await resolve({ ...question, name: target }, query, { ...context, rewrites: undefined }, client);
        const renamedIn = (records: readonly DnsRecord[]): DnsRecord[] => renamed(records, name, owner, rewritten);
        const additional = renamedIn(found.additional);
        return { ...found, answers: [...answers, ...renamedIn(found.answers)], additional };
      }
      name = target;
      continue;
    }
    const made = isOutside ? context.templates?.answer(name, owner, question.type) : undefined;
    if (made !== undefined) {
      answers.push(...made.answers);
      const [first] = made.answers;
      const target = made.answers.length === 1 && first?.type === rrType.CNAME ? first.data : undefined;
      if (target === undefined || question.type === rrType.CNAME)
        return { ...made, answers, authoritative: made.rcode !== rcode.SERVFAIL };
      if (aliases >= maxAliases) return failed(rcode.SERVFAIL);
      name = target;
      continue;
    }
    const fileZone = isOutside ? context.fileZones?.find(name) : undefined;
    if (fileZone === 'unloaded') return { ...failed(rcode.SERVFAIL), extendedError: extendedError.notReady };
    if (fileZone !== undefined) {
      const found = fileZone.lookUp(name, question.type);
      answers.push(...found.answers);
      if (found.alias === undefined) {
        const authoritative = found.isReferral !== true || answers.length > 0;
        return { ...found, answers, authoritative };
      }
      if (aliases >= maxAliases) return failed(rcode.SERVFAIL);
      name = found.alias;
      continue;
    }
    const isOurs = sets !== undefined || zone !== undefined;
    const isOther = sets === undefined && zone !== undefined && zone !== program.zone;
    const isWaiting = isOther && context.isOtherSynced?.(zone.origin) === false;
    if (isWaiting || (isOurs && !context.isSynced))
      return { ...failed(rcode.SERVFAIL), extendedError: extendedError.notReady };
    if (!isOurs) return forward(name, question, query, context, answers);
    if (sets === undefined && context.searchClient !== undefined && aliases === 0) {
      const completed = completeSearch(program, owner, context.searchClient);
      if (completed !== undefined) {
        const found = await resolveCompleted(completed, question, query, context, client);
        // Nothing there either: the client goes on with its list, as it would have.
        return found ?? negative(rcode.NXDOMAIN, answers, context, zone);
      }
    }
    if (sets === undefined || sets.length === 0) {
      return negative(sets === undefined ? rcode.NXDOMAIN : rcode.NOERROR, answers, context, zone);
    }
    const found = sets.find((set) => rrType[set.type] === question.type);
    if (found !== undefined) {
      const wire = wireRecordSet(name, ordered(found, context.turn ?? 0, client), program.zone, context.serial);
      answers.push(...wire.answers);
      return { rcode: 0, answers, authority: [], additional: wire.additional, authoritative: true };
    }
    const cname = sets.find((set) => set.type === 'CNAME');
    if (cname === undefined) return negative(rcode.NOERROR, answers, context, zone);
    const target = nameFromText(cname.target);
    if (target === undefined || aliases >= maxAliases) return failed(rcode.SERVFAIL);
    answers.push(...wireRecordSet(name, cname, program.zone, context.serial).answers);
    name = target;
  }
}

/** Records under the names that a rewrite gives them; the name asked for in its own letters. */
function renamed(
  records: readonly DnsRecord[],
  asked: WireName,
  askedOwner: OwnerName,
  { nameOf, dataNameOf }: Rewritten,
): DnsRecord[] {
  return records.map((given) => {
    const record = dataNameOf === undefined ? given : withValue(given, dataNameOf);
    const before = normalizeName(nameToText(record.name));
    const after = nameOf?.(before) ?? before;
    if (after === before) return record;
    return { ...record, name: after === askedOwner ? asked : (nameFromText(after) ?? record.name) };
  });
}

/** Answers a search name by the name that ends the search, as its alias; absent: that has no records of the type. */
async function resolveCompleted(
  completed: OwnerName,
  question: DnsQuestion,
  query: ParsedQuery,
  context: ResolveContext,
  client: ClientChoice | undefined,
): Promise<Resolution | undefined> {
  const target = nameFromText(completed);
  if (target === undefined) return undefined;
  const { searchClient: _, ...rest } = context;
  const resolution = await resolve({ ...question, name: target }, query, rest, client);
  if (resolution.rcode !== rcode.NOERROR || resolution.answers.length === 0) return undefined;
  const ttl = Math.min(...resolution.answers.map((record) => record.ttl));
  const set: RecordSet = { type: 'CNAME', ttl, target: completed };
  const alias = wireRecordSet(question.name, set, context.program.zone, context.serial).answers;
  return { ...resolution, answers: [...alias, ...resolution.answers], authoritative: true };
}

/** The rest of the chain from the upstreams; what we have of it stays even when they fail (RFC 6604). */
async function forward(
  name: WireName,
  question: DnsQuestion,
  query: ParsedQuery,
  context: ResolveContext,
  before: readonly DnsRecord[],
): Promise<Resolution> {
  const answer = await context.forwarder.resolve({
    name,
    type: question.type,
    class: rrClass.IN,
    dnssecOk: query.dnssecOk,
    checkingDisabled: (query.flags & headerFlag.CD) !== 0,
  });
  const answers = [...before, ...answer.answers];
  return {
    rcode: answer.rcode,
    answers,
    authority: answer.authority,
    additional: [],
    authoritative: before.length > 0,
    extendedError: answer.extendedError,
  };
}

function failed(code: number): Resolution {
  return { rcode: code, answers: [], authority: [], additional: [], authoritative: false };
}

/** Nothing at a name: with the SOA of its zone; a hosts entry has none. */
function negative(
  code: number,
  answers: readonly DnsRecord[],
  context: ResolveContext,
  zone: ZoneFacts | undefined,
): Resolution {
  const origin = zone && nameFromText(zone.origin);
  const soa = zone && origin ? [soaRecord(origin, zone, context.serial, zone.negativeTtl)] : [];
  return { rcode: code, answers, authority: soa, additional: [], authoritative: true };
}

/** Addresses with the one in front that the rules, or else the turn, say; a limit on them applies to what comes first. */
function ordered(set: RecordSet, turn: number, client: ClientChoice | undefined): RecordSet {
  if ((set.type !== 'A' && set.type !== 'AAAA') || set.addresses.length < 2) return set;
  const first = firstAddress(set, turn, client);
  return { ...set, addresses: [...set.addresses.slice(first), ...set.addresses.slice(0, first)] };
}

/** The choice that the answer table makes for the same name, see QueryAnswerer. */
function firstAddress(set: AddressSet, turn: number, client: ClientChoice | undefined): number {
  const { type, addresses, schedule = [], weights, isSticky = false, preferredPrefixBits = 0 } = set;
  const inTurn = turn % addresses.length;
  if (client !== undefined && (isSticky || preferredPrefixBits > 0)) {
    const size = type === 'A' ? 4 : 16;
    const count = addresses.length;
    // As in the table: all addresses, then all weights.
    const bytes = new Uint8Array(count * (size + 2));
    const view = new DataView(bytes.buffer);
    for (const [index, address] of addresses.entries()) {
      bytes.set(ipv4Bytes(address) ?? ipv6Bytes(address) ?? [], index * size);
      view.setUint16(count * size + index * 2, weights?.[index] ?? 1);
    }
    const near =
      preferredPrefixBits === 0 ? -1 : client.nearestFirst(bytes, 0, size, size, count, preferredPrefixBits, inTurn);
    if (near >= 0) return near;
    if (isSticky) return client.stickyFirst(bytes, 0, size, size, count, weights === undefined ? -1 : count * size);
  }
  return schedule[turn % schedule.length] ?? inTurn;
}

/** The name with `*` in the place of its first label, which is all that a wildcard of an Ingress stands for. */
function wildcardOf(owner: OwnerName): OwnerName {
  return `*${owner.slice(Math.max(0, owner.indexOf('.')))}`;
}

function isInZone(owner: string, origin: string): boolean {
  return owner === origin || owner.endsWith(`.${origin}`);
}

function encodeAnswer(
  message: Uint8Array,
  question: DnsQuestion,
  query: ParsedQuery,
  resolution: Resolution,
  limit: number,
  options: Uint8Array | undefined,
): Uint8Array {
  const optRoom = options === undefined ? 0 : optBytes + options.length;
  const writer = new MessageWriter(new Uint8Array(limit), limit - optRoom);
  const echoed = query.flags & (headerFlag.RD | headerFlag.CD);
  const authority = resolution.authoritative ? headerFlag.AA : 0;
  const flags = headerFlag.QR | headerFlag.RA | echoed | authority | (resolution.rcode & 0x0f);
  writer.header((message[0]! << 8) | message[1]!, flags);
  writer.question(question);
  const isWhole =
    resolution.answers.every((record) => writer.record('answer', record)) &&
    resolution.authority.every((record) => writer.record('authority', record));
  if (isWhole) for (const record of resolution.additional) if (!writer.record('additional', record)) break;
  if (!isWhole) writer.setFlags(headerFlag.TC);
  return options === undefined ? writer.bytes : withOpt(writer.bytes, query.dnssecOk, options);
}

/** Options of the answer: cookie, client subnet, extended error. */
function ednsOptions(
  message: Uint8Array,
  query: ParsedQuery,
  resolution: Resolution,
  context: ResolveContext,
  client: AskingClient | undefined,
): Uint8Array {
  const subnet =
    client?.isSubnet === true ? message.slice(query.subnetAt, query.subnetAt + query.subnetBytes) : undefined;
  if (subnet !== undefined) subnet[3] = client?.choice.scopeBits ?? 0;
  const cookie = query.cookieAt > 0 ? context.cookieFor?.(message, query) : undefined;
  const info = resolution.extendedError;
  return Uint8Array.of(
    ...(cookie === undefined ? [] : [0, ednsOption.cookie, 0, cookie.length, ...cookie]),
    ...(subnet === undefined ? [] : [0, ednsOption.clientSubnet, 0, subnet.length, ...subnet]),
    ...(info === undefined ? [] : [0, ednsOption.extendedError, 0, 2, info >> 8, info & 255]),
  );
}

/** Adds the OPT record, for which the writer's limit left room. */
function withOpt(message: Uint8Array, dnssecOk: boolean, options: Uint8Array): Uint8Array {
  const whole = new Uint8Array(message.length + optBytes + options.length);
  whole.set(message);
  const at = message.length;
  whole[at + 2] = rrType.OPT;
  whole[at + 3] = udpPayloadBytes >> 8;
  whole[at + 4] = udpPayloadBytes & 255;
  whole[at + 7] = dnssecOk ? 0x80 : 0;
  whole[at + 9] = options.length >> 8;
  whole[at + 10] = options.length & 255;
  whole.set(options, at + optBytes);
  const count = ((whole[10]! << 8) | whole[11]!) + 1;
  whole[10] = count >> 8;
  whole[11] = count & 255;
  return whole;
}
