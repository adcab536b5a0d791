import { writeFileSync } from 'node:fs';
import { BpfMap, loadPacketFilter } from '../../../sys/bpf.ts';
import { interfaceIndex } from '../../../sys/interface-index.ts';
import { close } from '../../../sys/socket.ts';
import type { IpFamily } from '../../cidr.ts';
import { runBatch } from '../run-ip.ts';
import { tunnelMac } from '../tunnel-mac.ts';
import { addressBytes, addressFamily } from './address-bytes.ts';
import { attachFilter } from './attach-filter.ts';
import { encapsulationProgram, endpointKeyBytes, endpointsMap } from './encapsulation.ts';
import { IpipError } from './ipip-error.ts';
import { packetShapes } from './packet-shape.ts';

/** Link that rules hand packets to: a bridge without ports, which every kernel with Pods has. */
export const ipipLink = 'fl-ipip';
const mostEndpoints = 65_536;

interface FamilyEnd {
  readonly endpoints: BpfMap;
  readonly program: number;
  /** Source of the outer header, by endpoint. */
  readonly entries: Map<string, string>;
}

/** Key of an endpoint's element: the link address that rules write. */
function keyOf(ip: string): Buffer {
  const key = Buffer.alloc(endpointKeyBytes);
  key.write(tunnelMac(ip).replaceAll(':', ''), 0, 'hex');
  return key;
}

/** A neighbour's packets are routed on as if they had come over this link, so it must be one that forwards. */
function letForward(family: IpFamily): void {
  const path = `/proc/sys/net/${family.toLowerCase()}/conf/${ipipLink}/forwarding`;
  try {
    writeFileSync(path, '1');
  } catch (cause) {
    throw new IpipError(`cannot write ${path}`, { cause });
  }
}

/**
 * The sending end of tunnels: rules write an endpoint's link address and hand the packet to {@link ipipLink}, whose
 * filter wraps it. What is in the kernel serves on when this process is killed; the next one replaces it in one step.
 */
export class IpipNodeEnd {
  readonly #sourceOf: (family: IpFamily) => string | undefined;
  readonly #families = new Map<IpFamily, FamilyEnd>();
  #interfaceIndex = 0;

  /** `sourceOf`: the node's own address. */
  constructor(sourceOf: (family: IpFamily) => string | undefined) {
    this.#sourceOf = sourceOf;
  }

  /** Whether packets can be sent to this endpoint: the node has an address of its family, and is not it itself. */
  reaches(ip: string): boolean {
    const source = this.#sourceOf(addressFamily(ip));
    return source !== undefined && source !== ip;
  }

  /** Number of the link; 0 while there is none. */
  get interfaceIndex(): number {
    return this.#interfaceIndex;
  }

  /** Endpoints in addition to those that are there. @throws IpipError */
  async make(endpoints: Iterable<string>): Promise<void> {
    const wanted = [...endpoints].filter((ip) => this.reaches(ip));
    if (wanted.length === 0) return;
    const index = await this.#ensureLink();
    for (const family of new Set(wanted.map(addressFamily))) letForward(family);
    for (const ip of wanted) this.#put(ip);
    for (const [family, { program }] of this.#families) {
      const { etherType } = packetShapes[family];
      const errno = await attachFilter({ interfaceIndex: index, side: 'leaving', etherType }, program, 'fairlead-wrap');
      if (errno < 0) throw new IpipError(`cannot put a filter on ${ipipLink}`, { errno });
    }
  }

  /** Takes away what is not among these; with the last one, the link, also one that a killed predecessor left. */
  async drop(endpoints: ReadonlySet<string>): Promise<void> {
    for (const { endpoints: map, entries } of this.#families.values()) {
      for (const ip of entries.keys()) {
        if (endpoints.has(ip)) continue;
        map.delete(keyOf(ip));
        entries.delete(ip);
      }
    }
    if ([...this.#families.values()].every(({ entries }) => entries.size === 0)) await this.#remove();
  }

  /** What is in the kernel is not known any more: the next {@link make} replaces all of it. */
  forget(): void {
    for (const { endpoints, program } of this.#families.values()) {
      // The filter in the kernel keeps both alive.
      endpoints.close();
      close(program);
    }
    this.#families.clear();
  }

  async #ensureLink(): Promise<number> {
    if (interfaceIndex(ipipLink) < 0) {
      await runBatch('ip', [`link add ${ipipLink} type bridge`, `link set ${ipipLink} addrgenmode none up`]);
    }
    const made = interfaceIndex(ipipLink);
    if (made < 0) throw new IpipError(`cannot make the link ${ipipLink}`, { errno: made });
    this.#interfaceIndex = made;
    return made;
  }

  #put(ip: string): void {
    const family = addressFamily(ip);
    const end = this.#families.get(family) ?? this.#load(family);
    const source = this.#sourceOf(family) ?? '';
    if (end.entries.get(ip) === source) return;
    const errno = end.endpoints.set(keyOf(ip), Buffer.concat([addressBytes(source), addressBytes(ip)]));
    if (errno < 0) throw new IpipError(`cannot add endpoint ${ip}`, { errno });
    end.entries.set(ip, source);
  }

  #load(family: IpFamily): FamilyEnd {
    const shape = packetShapes[family];
    const endpoints = BpfMap.create('fl_endpoints', endpointKeyBytes, 2 * shape.addressBytes, mostEndpoints);
    if (typeof endpoints === 'number') throw new IpipError('cannot make a BPF map', { errno: endpoints });
    const loaded = loadPacketFilter('fl_wrap', encapsulationProgram(shape), { [endpointsMap]: endpoints });
    if (!loaded.ok) {
      endpoints.close();
      throw new IpipError(`the kernel refuses the program that wraps packets: ${loaded.log}`, { errno: loaded.errno });
    }
    const end = { endpoints, program: loaded.descriptor, entries: new Map<string, string>() };
    this.#families.set(family, end);
    return end;
  }

  async #remove(): Promise<void> {
    this.forget();
    this.#interfaceIndex = 0;
    if (interfaceIndex(ipipLink) > 0) await runBatch('ip', [`link delete ${ipipLink}`]);
  }
}
