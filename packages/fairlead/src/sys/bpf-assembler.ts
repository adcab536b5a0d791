/** A register of the BPF machine. `r10` is the end of the stack, and read-only. */
export type BpfRegister = 'r0' | 'r1' | 'r2' | 'r3' | 'r4' | 'r5' | 'r6' | 'r7' | 'r8' | 'r9' | 'r10';

/** A register, or a number that fits 32 bits, signed. */
export type BpfOperand = BpfRegister | number;

/** Bytes of an access: 8, 16, 32 or 64 bits. */
export type BpfSize = 'byte' | 'half' | 'word' | 'double';

/** One line of a program; jumps name labels, map addresses name maps. */
export type BpfLine =
  | {
      readonly kind: 'instruction';
      readonly code: number;
      readonly destination: number;
      readonly source: number;
      readonly offset: number;
      readonly immediate: number;
    }
  | {
      readonly kind: 'jump';
      readonly code: number;
      readonly destination: number;
      readonly source: number;
      readonly immediate: number;
      readonly to: string;
    }
  | { readonly kind: 'map'; readonly destination: number; readonly name: string }
  | { readonly kind: 'label'; readonly name: string };

// RFC 9669: instruction classes, sources and modes.
const classLoadImmediate = 0x00;
const classLoad = 0x01;
const classStoreImmediate = 0x02;
const classStore = 0x03;
const classAlu = 0x04;
const classJump = 0x05;
const classAlu64 = 0x07;
const fromRegister = 0x08;
const modeMemory = 0x60;
const doubleWidth = 0x18;
const byteSwap = 0xd0;
const toBigEndianOrder = 0x08;
const mapDescriptor = 1;
const instructionBytes = 8;

const sizes: Readonly<Record<BpfSize, number>> = { word: 0x00, half: 0x08, byte: 0x10, double: 0x18 };

const arithmetic = {
  add: 0x00,
  subtract: 0x10,
  or: 0x40,
  and: 0x50,
  shiftLeft: 0x60,
  shiftRight: 0x70,
  xor: 0xa0,
  move: 0xb0,
} as const;

const conditions = {
  equal: 0x10,
  greater: 0x20,
  anyBit: 0x40,
  unequal: 0x50,
  less: 0xa0,
} as const;

const jumpAlways = 0x00;
const callHelper = 0x80;
const leave = 0x90;

function numberOf(register: BpfRegister): number {
  return Number(register.slice(1));
}

/** How an operand goes into an instruction. */
function operandOf(operand: BpfOperand): {
  readonly from: number;
  readonly source: number;
  readonly immediate: number;
} {
  return typeof operand === 'number'
    ? { from: 0, source: 0, immediate: operand }
    : { from: fromRegister, source: numberOf(operand), immediate: 0 };
}

function instruction(code: number, destination = 0, source = 0, offset = 0, immediate = 0): BpfLine {
  return { kind: 'instruction', code, destination, source, offset, immediate };
}

/** 64-bit arithmetic: `to` becomes `to` OPERATION `operand`; numbers are sign-extended. */
export function compute(operation: keyof typeof arithmetic, to: BpfRegister, operand: BpfOperand): BpfLine {
  const { from, source, immediate } = operandOf(operand);
  return instruction(classAlu64 | arithmetic[operation] | from, numberOf(to), source, 0, immediate);
}

/** Turns the low bits of a register between the network's and the machine's order; the others become 0. */
export function networkOrder(register: BpfRegister, bits: 16 | 32): BpfLine {
  return instruction(classAlu | byteSwap | toBigEndianOrder, numberOf(register), 0, 0, bits);
}

/** `to` becomes what is in memory at `base` + `offset`, extended by zeros. */
export function load(size: BpfSize, to: BpfRegister, base: BpfRegister, offset: number): BpfLine {
  return instruction(classLoad | modeMemory | sizes[size], numberOf(to), numberOf(base), offset);
}

/** Memory at `base` + `offset` becomes a register's low bytes, or a number. */
export function store(size: BpfSize, base: BpfRegister, offset: number, operand: BpfOperand): BpfLine {
  const { from, source, immediate } = operandOf(operand);
  const kind = from === 0 ? classStoreImmediate : classStore;
  return instruction(kind | modeMemory | sizes[size], numberOf(base), source, offset, immediate);
}

/** Goes on at a label if the condition holds; comparisons are unsigned. */
export function jumpIf(
  condition: keyof typeof conditions,
  register: BpfRegister,
  operand: BpfOperand,
  to: string,
): BpfLine {
  const { from, source, immediate } = operandOf(operand);
  const code = classJump | conditions[condition] | from;
  return { kind: 'jump', code, destination: numberOf(register), source, immediate, to };
}

/** Goes on at a label. */
export function jump(to: string): BpfLine {
  return { kind: 'jump', code: classJump | jumpAlways, destination: 0, source: 0, immediate: 0, to };
}

/** A place to jump to. */
export function label(name: string): BpfLine {
  return { kind: 'label', name };
}

/** Calls a helper of the kernel: arguments in r1 to r5, which are lost, result in r0. */
export function callFunction(helper: number): BpfLine {
  return instruction(classJump | callHelper, 0, 0, 0, helper);
}

/** Ends the program with r0 as its result. */
export function leaveProgram(): BpfLine {
  return instruction(classJump | leave);
}

/** `to` becomes the address of a map, for helpers. */
export function mapAddress(to: BpfRegister, name: string): BpfLine {
  return { kind: 'map', destination: numberOf(to), name };
}

/** Instructions that a line takes: an address is 64 bits wide, and takes two. */
function lengthOf(line: BpfLine): number {
  if (line.kind === 'label') return 0;
  return line.kind === 'map' ? 2 : 1;
}

function labelled(lines: readonly BpfLine[]): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  let at = 0;
  for (const line of lines) {
    if (line.kind === 'label') {
      if (places.has(line.name)) throw new RangeError(`label ${line.name} twice`);
      places.set(line.name, at);
    }
    at += lengthOf(line);
  }
  return places;
}

/**
 * The program's machine code (RFC 9669), for a little-endian machine. `maps`: descriptors by name.
 *
 * ```
 * byte 0      1            2 3             4 5 6 7
 *   opcode │ src4 dst4 │ offset, signed │ immediate, signed
 * ```
 * @throws RangeError for a label or map that nobody has named
 */
export function assemble(
  lines: readonly BpfLine[],
  maps: ReadonlyMap<string, number> = new Map(),
): Buffer<ArrayBuffer> {
  const places = labelled(lines);
  const length = lines.reduce((sum, line) => sum + lengthOf(line), 0);
  const bytes = Buffer.alloc(length * instructionBytes);
  let at = 0;
  const put = (code: number, destination: number, source: number, offset: number, immediate: number): void => {
    bytes.writeUInt8(code, at);
    bytes.writeUInt8((source << 4) | destination, at + 1);
    bytes.writeInt16LE(offset, at + 2);
    bytes.writeInt32LE(immediate | 0, at + 4);
    at += instructionBytes;
  };
  for (const line of lines) {
    if (line.kind === 'label') continue;
    if (line.kind === 'map') {
      const descriptor = maps.get(line.name);
      if (descriptor === undefined) throw new RangeError(`no map ${line.name}`);
      put(classLoadImmediate | doubleWidth, line.destination, mapDescriptor, 0, descriptor);
      put(0, 0, 0, 0, 0);
    } else if (line.kind === 'jump') {
      const place = places.get(line.to);
      if (place === undefined) throw new RangeError(`no label ${line.to}`);
      put(line.code, line.destination, line.source, place - at / instructionBytes - 1, line.immediate);
    } else {
      put(line.code, line.destination, line.source, line.offset, line.immediate);
    }
  }
  return bytes;
}
