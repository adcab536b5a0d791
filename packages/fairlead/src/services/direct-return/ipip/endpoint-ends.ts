import { BpfMap, type LoadedProgram, loadPacketFilter } from '../../../sys/bpf.ts';
import { interfaceIndex } from '../../../sys/interface-index.ts';
import { inNetns } from '../../../sys/netns.ts';
import { close } from '../../../sys/socket.ts';
import type { IpFamily } from '../../cidr.ts';
import { runIp } from '../run-ip.ts';
import { addressBytes, addressFamily } from './address-bytes.ts';
import { attachFilter, detachFilter, type EnterNamespace, type FilterPlace } from './attach-filter.ts';
import { decapsulationProgram, sendersMap, vipsMap } from './decapsulation.ts';
import { IpipError } from './ipip-error.ts';
import { packetShapes } from './packet-shape.ts';
import { segmentSizeProgram } from './segment-size.ts';

/** A set of addresses in the kernel, and what is in it. */
class AddressSet {
  readonly map: BpfMap;
  readonly #present = new Set<string>();

  constructor(name: string, addressLength: number) {
    const map = BpfMap.create(name, addressLength, 4, 65_536);
    if (typeof map === 'number') throw new IpipError('cannot make a BPF map', { errno: map });
    this.map = map;
  }

  add(ips: Iterable<string>): void {
    for (const ip of ips) {
      if (this.#present.has(ip)) continue;
      const errno = this.map.set(addressBytes(ip), Uint8Array.of(1, 0, 0, 0));
      if (errno < 0) throw new IpipError(`cannot add address ${ip}`, { errno });
      this.#present.add(ip);
    }
  }

  keepOnly(ips: ReadonlySet<string>): void {
    for (const ip of this.#present) {
      if (ips.has(ip)) continue;
      this.map.delete(addressBytes(ip));
      this.#present.delete(ip);
    }
  }
}

interface FamilyEnds {
  readonly senders: AddressSet;
  readonly vips: AddressSet;
  readonly unwrap: number;
  readonly segmentSize: number;
}

function descriptorOf(loaded: LoadedProgram, what: string): number {
  if (loaded.ok) return loaded.descriptor;
  throw new IpipError(`the kernel refuses the program that ${what}: ${loaded.log}`, { errno: loaded.errno });
}

/**
 * The receiving ends of tunnels, in Pods of this node: a filter on the link with the Pod's address unwraps what comes
 * from known nodes for known addresses, another one lowers the segment size that the Pod announces.
 * All Pods share two programs for each family, and what these look up.
 */
export class IpipEndpointEnds {
  readonly #families = new Map<IpFamily, FamilyEnds>();
  #senders: ReadonlySet<string> = new Set();

  /** Addresses from which wrapped packets are taken. */
  setSenders(ips: ReadonlySet<string>): void {
    this.#senders = ips;
    for (const [family, { senders }] of this.#families) {
      const own = new Set([...ips].filter((ip) => addressFamily(ip) === family));
      senders.add(own);
      senders.keepOnly(own);
    }
  }

  /** Addresses of Services, in addition to those that are there. */
  addVips(ips: Iterable<string>): void {
    for (const ip of ips) this.#endsOf(addressFamily(ip)).vips.add([ip]);
  }

  keepVips(ips: ReadonlySet<string>): void {
    for (const { vips } of this.#families.values()) vips.keepOnly(ips);
    if (ips.size === 0) this.forget();
  }

  /** Makes the Pod with this address an end. @throws IpipError */
  async attach(namespace: string, podIp: string): Promise<void> {
    const family = addressFamily(podIp);
    const { unwrap, segmentSize } = this.#endsOf(family);
    const { enter, places } = await this.#placesOf(namespace, podIp);
    const [arriving, leaving] = places;
    if (arriving === undefined || leaving === undefined)
      throw new IpipError(`no link has the address ${podIp} in ${namespace}`);
    const programs = [
      [arriving, unwrap, 'fairlead-unwrap'],
      [leaving, segmentSize, 'fairlead-segment-size'],
    ] as const;
    for (const [place, program, name] of programs) {
      const errno = await attachFilter(place, program, name, enter);
      if (errno < 0) throw new IpipError(`cannot put a filter into ${namespace}`, { errno });
    }
  }

  /** The Pod is an end no more. It may be gone. */
  async detach(namespace: string, podIp: string): Promise<void> {
    try {
      const { enter, places } = await this.#placesOf(namespace, podIp);
      for (const place of places) await detachFilter(place, enter);
    } catch {
      // Its namespace went with it, and the filters with that.
    }
  }

  /** Programs and maps live on where they are attached; the next {@link attach} replaces them. */
  forget(): void {
    for (const { senders, vips, unwrap, segmentSize } of this.#families.values()) {
      senders.map.close();
      vips.map.close();
      close(unwrap);
      close(segmentSize);
    }
    this.#families.clear();
  }

  async #placesOf(
    namespace: string,
    podIp: string,
  ): Promise<{ enter: EnterNamespace; places: readonly FilterPlace[] }> {
    const enter: EnterNamespace = (work) => inNetns(`/run/netns/${namespace}`, work);
    const links = (await runIp(['-n', namespace, '-j', 'address', 'show', 'to', podIp])) as readonly {
      readonly ifname?: string;
    }[];
    const name = links.find(({ ifname }) => ifname !== undefined && ifname !== 'lo')?.ifname;
    const index = name === undefined ? -1 : enter(() => interfaceIndex(name));
    const { etherType } = packetShapes[addressFamily(podIp)];
    const sides = index < 0 ? [] : (['arriving', 'leaving'] as const);
    return { enter, places: sides.map((side) => ({ interfaceIndex: index, side, etherType })) };
  }

  #endsOf(family: IpFamily): FamilyEnds {
    const known = this.#families.get(family);
    if (known !== undefined) return known;
    const shape = packetShapes[family];
    const senders = new AddressSet('fl_senders', shape.addressBytes);
    const vips = new AddressSet('fl_vips', shape.addressBytes);
    const maps = { [sendersMap]: senders.map, [vipsMap]: vips.map };
    const ends: FamilyEnds = {
      senders,
      vips,
      unwrap: descriptorOf(loadPacketFilter('fl_unwrap', decapsulationProgram(shape), maps), 'unwraps packets'),
      segmentSize: descriptorOf(
        loadPacketFilter('fl_segment_size', segmentSizeProgram(shape), maps),
        'lowers segment sizes',
      ),
    };
    this.#families.set(family, ends);
    senders.add([...this.#senders].filter((ip) => addressFamily(ip) === family));
    return ends;
  }
}
