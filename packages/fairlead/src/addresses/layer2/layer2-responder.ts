import { ipToBytes, parseIp } from '@fairlead/api';
import { ARP_REQUEST, arpAnnouncements, arpProbe, arpReply, ETHERTYPE_ARP, readArp } from '../../wire/arp/arp.ts';
import {
  ETHERTYPE_IPV6,
  NEIGHBOR_SOLICITATION,
  neighborAdvertisement,
  neighborProbe,
  readNdp,
  unsolicitedAdvertisement,
} from '../../wire/ndp/ndp.ts';

/** An interface and its Ethernet address. */
export interface Layer2Link {
  readonly index: number;
  readonly mac: Uint8Array;
}

/** A frame to send. */
export interface OutgoingFrame {
  readonly link: number;
  readonly frame: Uint8Array;
}

/**
 * - `answering`: the Lease is fresh.
 * - `asking`: its time is over; silent until the network was asked who has the address.
 * - `unconfirmed`: nobody has it, so answering goes on; the network is asked again and again.
 * - `yielded`: somebody else has it; silent until the Lease is fresh again.
 */
export type AnnouncementState = 'answering' | 'asking' | 'unconfirmed' | 'yielded';

interface Announcement {
  readonly address: string;
  readonly family: 4 | 6;
  readonly bytes: Uint8Array;
  readonly key: string;
  links: readonly Layer2Link[];
  state: AnnouncementState;
  /** How many announcements have gone out since the address was taken. */
  announced: number;
  nextAnnouncementMs: number;
  probes: number;
  nextProbeMs: number;
}

/** After a take-over, milliseconds: neighbours and switches may miss some. */
const announceAtMs = [0, 500, 1000, 2000, 4000] as const;
const announceEveryMs = 30_000;
const probeCount = 3;
const probeEveryMs = 300;
const askAgainMs = 5_000;

/**
 * Who answers for which address on which link; frames in, frames out, no sockets and no clock of its own. Times are
 * {@link machineMonotonicMs}.
 */
export class Layer2Responder {
  readonly #announcements = new Map<string, Announcement>();
  /** The same by their bytes: every broadcast of the network asks here. */
  readonly #byBytes = new Map<string, Announcement>();
  readonly #onState: (address: string, state: AnnouncementState) => void;
  readonly #onForeign: (address: string, mac: string) => void;
  #deadlineMs = 0;

  /** @param onForeign somebody else claims an address that this node holds by a fresh Lease */
  constructor(
    onState: (address: string, state: AnnouncementState) => void,
    onForeign: (address: string, mac: string) => void,
  ) {
    this.#onState = onState;
    this.#onForeign = onForeign;
  }

  /** Announces an address on links, or on other links than before. */
  announce(address: string, links: readonly Layer2Link[], nowMs: number): void {
    const present = this.#announcements.get(address);
    if (present !== undefined) {
      const same = present.links.length === links.length && links.every((link, i) => sameLink(link, present.links[i]));
      present.links = links;
      if (!same) restart(present, nowMs);
      return;
    }
    const ip = parseIp(address);
    if (ip === undefined) return;
    const bytes = ipToBytes(ip);
    const announcement: Announcement = {
      address,
      family: ip.family,
      bytes,
      key: keyOf(bytes),
      links,
      state: nowMs <= this.#deadlineMs ? 'answering' : 'asking',
      announced: 0,
      nextAnnouncementMs: nowMs,
      probes: 0,
      nextProbeMs: nowMs,
    };
    this.#announcements.set(address, announcement);
    this.#byBytes.set(announcement.key, announcement);
  }

  /** Falls silent at once. */
  withdraw(address: string): void {
    const one = this.#announcements.get(address);
    this.#announcements.delete(address);
    if (one !== undefined) this.#byBytes.delete(one.key);
  }

  /** The Leases of all announced addresses hold until then. */
  extend(deadlineMs: number, nowMs: number): void {
    this.#deadlineMs = deadlineMs;
    if (nowMs > deadlineMs) return;
    for (const one of this.#announcements.values()) {
      if (one.state === 'answering') continue;
      // Somebody else may have been announced meanwhile.
      if (one.state !== 'unconfirmed') restart(one, nowMs);
      this.#enter(one, 'answering');
    }
  }

  /** Handles one received frame. */
  receive(link: number, frame: Uint8Array, nowMs: number): OutgoingFrame[] {
    const type = ((frame[12] ?? 0) << 8) | (frame[13] ?? 0);
    if (type === ETHERTYPE_ARP) return this.#receiveArp(link, frame, nowMs);
    return type === ETHERTYPE_IPV6 ? this.#receiveNdp(link, frame, nowMs) : [];
  }

  /** Sends what is due. */
  tick(nowMs: number): OutgoingFrame[] {
    const frames: OutgoingFrame[] = [];
    for (const one of this.#announcements.values()) {
      this.#age(one, nowMs);
      if (one.state === 'asking' || one.state === 'unconfirmed') this.#probe(one, nowMs, frames);
      const speaks = one.state === 'answering' || one.state === 'unconfirmed';
      if (!speaks || nowMs < one.nextAnnouncementMs) continue;
      one.announced++;
      const last = announceAtMs[one.announced - 1] ?? 0;
      const next = announceAtMs[one.announced];
      one.nextAnnouncementMs = nowMs + (next === undefined ? announceEveryMs : next - last);
      for (const link of one.links)
        for (const frame of announcementFrames(one, link)) frames.push({ link: link.index, frame });
    }
    return frames;
  }

  /** When {@link tick} has something to do next; `Infinity`: never. */
  nextDueMs(): number {
    let due = Number.POSITIVE_INFINITY;
    for (const one of this.#announcements.values()) {
      if (one.state === 'answering' || one.state === 'unconfirmed') due = Math.min(due, one.nextAnnouncementMs);
      if (one.state === 'asking' || one.state === 'unconfirmed') due = Math.min(due, one.nextProbeMs);
      if (one.state === 'answering') due = Math.min(due, this.#deadlineMs);
    }
    return due;
  }

  /** Addresses of a family that are answered for on a link. */
  addressesOn(link: number, family: 4 | 6): Uint8Array[] {
    const all = [...this.#announcements.values()];
    return all
      .filter((one) => one.family === family && one.links.some(({ index }) => index === link))
      .map(({ bytes }) => bytes);
  }

  #enter(one: Announcement, state: AnnouncementState): void {
    if (one.state === state) return;
    one.state = state;
    this.#onState(one.address, state);
  }

  /** The deadline may have passed since the last event. */
  #age(one: Announcement, nowMs: number): void {
    if (one.state !== 'answering' || nowMs <= this.#deadlineMs) return;
    one.probes = 0;
    one.nextProbeMs = nowMs;
    this.#enter(one, 'asking');
  }

  #probe(one: Announcement, nowMs: number, frames: OutgoingFrame[]): void {
    if (nowMs < one.nextProbeMs) return;
    if (one.probes === probeCount) {
      // Nobody has answered. An address without links has asked nobody.
      if (one.links.length > 0) this.#enter(one, 'unconfirmed');
      one.probes = 0;
      one.nextProbeMs = nowMs + askAgainMs;
      return;
    }
    one.probes++;
    one.nextProbeMs = nowMs + probeEveryMs;
    for (const { index, mac } of one.links) {
      const frame = one.family === 4 ? arpProbe(ipv4Of(one.bytes), mac) : neighborProbe(one.bytes, mac);
      frames.push({ link: index, frame });
    }
  }

  #find(bytes: Uint8Array, nowMs: number): Announcement | undefined {
    const one = this.#byBytes.get(keyOf(bytes));
    if (one !== undefined) this.#age(one, nowMs);
    return one;
  }

  /** Somebody says that an address of ours is at another place. */
  #heard(one: Announcement, mac: Uint8Array): void {
    if (one.links.some((link) => keyOf(link.mac) === keyOf(mac))) return;
    if (one.state === 'answering')
      this.#onForeign(one.address, [...mac].map((byte) => byte.toString(16).padStart(2, '0')).join(':'));
    else this.#enter(one, 'yielded');
  }

  #receiveArp(link: number, frame: Uint8Array, nowMs: number): OutgoingFrame[] {
    const packet = readArp(frame);
    if (packet === undefined) return [];
    if (packet.senderIp !== 0) {
      const claimed = this.#find(ipv4Bytes(packet.senderIp), nowMs);
      if (claimed !== undefined) this.#heard(claimed, packet.senderMac);
    }
    // An announcement has the same address on both sides: nothing is asked.
    if (packet.operation !== ARP_REQUEST || packet.senderIp === packet.targetIp) return [];
    const own = this.#answerer(ipv4Bytes(packet.targetIp), link, packet.senderMac, nowMs);
    return own === undefined ? [] : [{ link, frame: arpReply(packet, own.mac) }];
  }

  #receiveNdp(link: number, frame: Uint8Array, nowMs: number): OutgoingFrame[] {
    const packet = readNdp(frame);
    if (packet === undefined) return [];
    if (packet.type !== NEIGHBOR_SOLICITATION) {
      const claimed = this.#find(packet.target, nowMs);
      if (claimed !== undefined) this.#heard(claimed, packet.linkAddress ?? packet.frameSource);
      return [];
    }
    const own = this.#answerer(packet.target, link, packet.frameSource, nowMs);
    return own === undefined ? [] : [{ link, frame: neighborAdvertisement(packet, own.mac) }];
  }

  /** The link that answers for an address, if this node does so now and was not asked by itself. */
  #answerer(bytes: Uint8Array, link: number, asker: Uint8Array, nowMs: number): Layer2Link | undefined {
    const one = this.#find(bytes, nowMs);
    if (one === undefined || one.state === 'asking' || one.state === 'yielded') return undefined;
    const own = one.links.find(({ index }) => index === link);
    return own === undefined || keyOf(own.mac) === keyOf(asker) ? undefined : own;
  }
}

function restart(one: Announcement, nowMs: number): void {
  one.announced = 0;
  one.nextAnnouncementMs = nowMs;
}

function announcementFrames(one: Announcement, { mac }: Layer2Link): Uint8Array[] {
  return one.family === 4 ? arpAnnouncements(ipv4Of(one.bytes), mac) : [unsolicitedAdvertisement(one.bytes, mac)];
}

function sameLink(a: Layer2Link, b: Layer2Link | undefined): boolean {
  return b !== undefined && a.index === b.index && keyOf(a.mac) === keyOf(b.mac);
}

function keyOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function ipv4Of(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
}

function ipv4Bytes(ip: number): Uint8Array {
  return Uint8Array.of(ip >>> 24, ip >>> 16, ip >>> 8, ip);
}
