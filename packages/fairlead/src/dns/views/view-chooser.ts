// Hot path where there are views: which one a query is for.

import { formatIpv4, formatIpv6, parseIpv4, parseIpv6, type SocketAddress } from '../../sys/socket-address.ts';
import { headerFlag } from '../../wire/dns/constants.ts';
import { nameToText } from '../../wire/dns/name.ts';
import { queryTypeText } from '../query-types.ts';
import { AccessList } from '../server/access-list.ts';
import type { AnswerWriter } from '../server/answer-writer.ts';
import { addressLength, addressOffset } from '../server/server-cookie.ts';
import { isInZone } from '../server/zone-match.ts';
import { compileCondition, type ViewCondition, type ViewFacts } from './view-condition.ts';
import type { NumberFact, TextFact, TruthFact } from './view-expression.ts';
import type { ViewPlan } from './view-plan.ts';

/** No block is for the query. */
const noView = -1;

interface Block {
  readonly view: number;
  readonly conditions: readonly ViewCondition[];
  readonly port: number | undefined;
}

/** Room that clients over streams have. */
const streamBytes = 65_535;
const classNames: Readonly<Record<number, string>> = { 1: 'IN', 3: 'CH', 4: 'HS', 254: 'NONE', 255: 'ANY' };

/** Classifies the queries of one thread. */
export class ViewChooser {
  readonly #zones: readonly { readonly origin: Uint8Array; readonly blocks: readonly Block[] }[];
  /** Ports that blocks name. Queries to others, such as that of TLS, are for blocks of any port. */
  readonly #ports: ReadonlySet<number>;
  readonly #hasCluster: readonly boolean[];
  readonly #access: readonly (AccessList | undefined)[];
  readonly #facts: QueryFacts = new QueryFacts();

  /** @throws DnsError `options` for a pattern that is none. */
  constructor(plan: ViewPlan) {
    this.#zones = plan.zones.map(({ zone, blocks }) => ({
      origin: zone,
      blocks: blocks.map(({ view, conditions, port }) => ({
        view,
        conditions: conditions.map(compileCondition),
        port,
      })),
    }));
    this.#ports = new Set(plan.zones.flatMap(({ blocks }) => blocks.flatMap(({ port }) => port ?? [])));
    this.#hasCluster = plan.rights.map(({ hasCluster }) => hasCluster);
    this.#access = plan.rights.map(({ accessRules }) =>
      accessRules.length === 0 ? undefined : new AccessList(accessRules),
    );
  }

  /** The address that queries come to from now on. */
  set server(address: SocketAddress) {
    this.#facts.server = address;
  }

  /** The view of the writer's query, whose bytes are `input[start, end)`; 0: none of them, {@link noView}: nobody's. */
  choose(writer: AnswerWriter, input: Uint8Array, start: number, end: number): number {
    const { query } = writer;
    const facts = this.#facts;
    facts.writer = writer;
    facts.input = input;
    facts.start = start;
    facts.end = end;
    const serverPort = facts.server?.port ?? 0;
    const isPortNamed = this.#ports.has(serverPort);
    for (let index = 0; index < this.#zones.length; index++) {
      const zone = this.#zones[index]!;
      if (!isInZone(query, zone)) continue;
      for (const { view, conditions, port } of zone.blocks) {
        if (isPortNamed && port !== undefined && port !== serverPort) continue;
        if (holdsAll(conditions, facts)) return view;
      }
    }
    return noView;
  }

  /** Whether a view has the names that come from the API. */
  hasCluster(view: number): boolean {
    return this.#hasCluster[view - 1]!;
  }

  /** Who of a view may ask for what; absent: all for everything. */
  accessOf(view: number): AccessList | undefined {
    return this.#access[view - 1];
  }
}

function holdsAll(conditions: readonly ViewCondition[], facts: ViewFacts): boolean {
  for (const holds of conditions) if (!holds(facts)) return false;
  return true;
}

/** The facts of a query, made when a condition asks for them. */
class QueryFacts implements ViewFacts {
  writer: AnswerWriter | undefined;
  input: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  #server: SocketAddress | undefined;
  #serverBytes: Uint8Array | undefined;

  get server(): SocketAddress | undefined {
    return this.#server;
  }

  set server(address: SocketAddress | undefined) {
    if (address === this.#server) return;
    this.#server = address;
    const text = address?.address ?? '';
    this.#serverBytes = parseIpv4(text) ?? parseIpv6(text);
  }

  text(fact: TextFact): string {
    const { query, peer, peerAt, isStream } = this.writer!;
    switch (fact) {
      case 'name': {
        const text = nameToText(query.name.subarray(0, query.nameBytes));
        return text === '.' ? text : `${text}.`;
      }
      case 'type':
        return queryTypeText(query.qtype);
      case 'class':
        return classNames[query.qclass] ?? `CLASS${query.qclass}`;
      case 'proto':
        return isStream ? 'tcp' : 'udp';
      case 'client_ip': {
        const from = peerAt + addressOffset(peer, peerAt);
        return addressLength(peer, peerAt) === 4 ? formatIpv4(peer, from) : formatIpv6(peer, from);
      }
      case 'port':
        return String((peer[peerAt + 2]! << 8) | peer[peerAt + 3]!);
      case 'server_ip':
        return this.#server?.address ?? '';
      case 'server_port':
        return String(this.#server?.port ?? '');
    }
  }

  number(fact: NumberFact): number {
    const { query, isStream } = this.writer!;
    switch (fact) {
      case 'size':
        return this.end - this.start;
      case 'bufsize':
        return isStream ? streamBytes : query.udpBytes;
      case 'id':
        return (this.input[this.start]! << 8) | this.input[this.start + 1]!;
      case 'opcode':
        return (query.flags >> 11) & 15;
    }
  }

  truth(fact: TruthFact): boolean {
    const { query } = this.writer!;
    return fact === 'do' ? query.dnssecOk : (query.flags & headerFlag.RD) !== 0;
  }

  address(of: 'client_ip' | 'server_ip'): Uint8Array | undefined {
    if (of === 'server_ip') return this.#serverBytes;
    const { peer, peerAt } = this.writer!;
    const from = peerAt + addressOffset(peer, peerAt);
    return peer.subarray(from, from + addressLength(peer, peerAt));
  }
}
