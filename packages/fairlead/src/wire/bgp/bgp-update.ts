import { AS_TRANS, afi, BGP_HEADER_BYTES, BGP_MAX_BYTES, safiUnicast } from './bgp-constants.ts';
import { u16, u32, writeUpdateBody } from './bgp-message.ts';

/** A prefix: 4 or 16 bytes of address and a length in bits. */
export interface BgpPrefix {
  readonly address: Uint8Array;
  readonly length: number;
}

/** What an announcement says besides its prefixes. */
export interface PathAttributes {
  /** 4 or 16 bytes, of the family of the prefixes. */
  readonly nextHop: Uint8Array;
  /** The speaker's own AS; `undefined` towards a peer of the same AS, whose path is empty. */
  readonly ownAsn: number | undefined;
  /** Whether the peer understands AS numbers of four bytes. */
  readonly fourByteAs: boolean;
  /** Only towards peers of the same AS. */
  readonly localPreference: number | undefined;
  readonly communities: readonly (readonly [number, number])[];
  readonly largeCommunities: readonly (readonly [number, number, number])[];
}

const wellKnown = 0x40;
const optional = 0x80;
const optionalTransitive = 0xc0;
const extendedLength = 0x10;

/** Attribute: flags u8 | type u8 | length u8 or u16 | value. */
function attribute(flags: number, type: number, value: readonly number[]): number[] {
  return value.length > 255
    ? [flags | extendedLength, type, ...u16(value.length), ...value]
    : [flags, type, value.length, ...value];
}

/** Length in bits, then as many bytes as hold them. */
function encodePrefix({ address, length }: BgpPrefix): number[] {
  return [length, ...address.subarray(0, Math.ceil(length / 8))];
}

/** Attributes in order of type (RFC 4271 5): ORIGIN 1, AS_PATH 2, NEXT_HOP 3, LOCAL_PREF 5, COMMUNITIES 8, … */
function commonAttributes(
  path: PathAttributes,
  nextHop: number[],
): { readonly before: number[]; readonly after: number[] } {
  const { ownAsn, fourByteAs } = path;
  const asBytes = ownAsn === undefined ? [] : fourByteAs ? u32(ownAsn) : u16(ownAsn > 0xffff ? AS_TRANS : ownAsn);
  const asPath = ownAsn === undefined ? [] : [2, 1, ...asBytes];
  const before = [
    ...attribute(wellKnown, 1, [0]),
    ...attribute(wellKnown, 2, asPath),
    ...nextHop,
    ...(path.localPreference === undefined ? [] : attribute(wellKnown, 5, u32(path.localPreference))),
    ...(path.communities.length === 0
      ? []
      : attribute(
          optionalTransitive,
          8,
          path.communities.flatMap(([as, value]) => [...u16(as), ...u16(value)]),
        )),
  ];
  const after = [
    // AS4_PATH: the number that AS_TRANS stands for.
    ...(ownAsn !== undefined && !fourByteAs && ownAsn > 0xffff
      ? attribute(optionalTransitive, 17, [2, 1, ...u32(ownAsn)])
      : []),
    ...(path.largeCommunities.length === 0
      ? []
      : attribute(
          optionalTransitive,
          32,
          path.largeCommunities.flatMap((parts) => parts.flatMap(u32)),
        )),
  ];
  return { before, after };
}

/** As many prefixes per message as fit. */
function inMessages(
  prefixes: readonly BgpPrefix[],
  fixedBytes: number,
  write: (encoded: number[]) => Uint8Array,
): Uint8Array[] {
  const room = BGP_MAX_BYTES - BGP_HEADER_BYTES - fixedBytes;
  const messages: Uint8Array[] = [];
  let chunk: number[] = [];
  for (const prefix of prefixes) {
    const encoded = encodePrefix(prefix);
    if (chunk.length + encoded.length > room) {
      messages.push(write(chunk));
      chunk = [];
    }
    chunk.push(...encoded);
  }
  if (chunk.length > 0) messages.push(write(chunk));
  return messages;
}

/** UPDATE: withdrawn length u16 | withdrawn | attributes' length u16 | attributes | prefixes. */
function update(withdrawn: readonly number[], attributes: readonly number[], prefixes: readonly number[]): Uint8Array {
  return writeUpdateBody(
    Uint8Array.from([...u16(withdrawn.length), ...withdrawn, ...u16(attributes.length), ...attributes, ...prefixes]),
  );
}

/** UPDATEs that announce prefixes of one family with the same attributes. */
export function writeAnnouncements(prefixes: readonly BgpPrefix[], path: PathAttributes): Uint8Array[] {
  if (path.nextHop.length === 4) {
    const { before, after } = commonAttributes(path, attribute(wellKnown, 3, [...path.nextHop]));
    const attributes = [...before, ...after];
    return inMessages(prefixes, 4 + attributes.length, (encoded) => update([], attributes, encoded));
  }
  const { before, after } = commonAttributes(path, []);
  // MP_REACH_NLRI: AFI u16 | SAFI u8 | next hop's length u8 | next hop | reserved u8 | prefixes (RFC 4760 3).
  const reach = (encoded: readonly number[]): number[] =>
    attribute(optional, 14, [...u16(afi.ipv6), safiUnicast, 16, ...path.nextHop, 0, ...encoded]);
  const fixed = 4 + before.length + after.length + 4 + 21;
  return inMessages(prefixes, fixed, (encoded) => update([], [...before, ...reach(encoded), ...after], []));
}

/** UPDATEs that withdraw prefixes of one family. */
export function writeWithdrawals(prefixes: readonly BgpPrefix[], family: number): Uint8Array[] {
  if (family === afi.ipv4) return inMessages(prefixes, 4, (encoded) => update(encoded, [], []));
  return inMessages(prefixes, 4 + 4 + 3, (encoded) =>
    update([], attribute(optional, 15, [...u16(afi.ipv6), safiUnicast, ...encoded]), []),
  );
}

/** The End-of-RIB mark of a family: everything has been announced (RFC 4724 2). */
export function writeEndOfRib(family: number): Uint8Array {
  if (family === afi.ipv4) return update([], [], []);
  return update([], attribute(optional, 15, [...u16(family), safiUnicast]), []);
}
