import type { CelType } from '../types/cel-type.ts';
import { either, exactly, perUnit, product, type Range, sum, unknownRange } from './range.ts';

/** A receiver or argument of a call. */
export interface Operand {
  readonly type: CelType;
  /** Characters, items or entries. */
  readonly size: Range;
  /** Size of the items of a list, by its schema. */
  readonly itemSize: Range;
  /** The value of a whole number that is written out. */
  readonly whole: number | undefined;
}

/** What a call costs without its operands; `size` is that of its result where it is known. */
export interface CallCost {
  readonly cost: Range;
  readonly size?: Range;
}

/** To look at a character of a text. */
const perCharacter = 0.1;
const perPatternCharacter = 0.25;
const once: CallCost = { cost: exactly(1) };
/** Kubernetes' bound for the text of a named format's pattern. */
const formatPatternLength = 128;
const formatMaxBytes = 64;
/** Bytes of an IP address. */
const addressBytes: Range = { min: 4, max: 16 };

type Estimate = (target: Operand | undefined, args: readonly Operand[]) => CallCost | undefined;

const parsesText: Estimate = (_target, [text]) =>
  text === undefined ? undefined : { cost: perUnit(text.size, perCharacter) };
const copiesTarget: Estimate = (target) =>
  target === undefined ? undefined : { cost: perUnit(target.size, perCharacter), size: target.size };
const comparesSets =
  (factor: number): Estimate =>
  (_target, [a, b]) =>
    a === undefined || b === undefined
      ? undefined
      : { cost: sum(perUnit(product(a.size, b.size), factor), exactly(1)) };
const comparesItems: Estimate = (target) => {
  if (target === undefined) return undefined;
  const item = target.type.kind === 'list' ? target.type.item.kind : undefined;
  if (item === undefined) return { cost: perUnit(target.size, perCharacter) };
  const isText = item === 'string' || item === 'bytes';
  const each = isText ? sum(exactly(1), perUnit(target.itemSize, perCharacter)) : exactly(1);
  return { cost: product(target.size, each) };
};
const findsPattern: Estimate = (target, [pattern]) => {
  if (target === undefined || pattern === undefined) return undefined;
  return { cost: patternCost(target.size, pattern.size), size: { min: 0, max: target.size.max } };
};
/** An empty text still costs the pattern. */
const patternCost = (text: Range, pattern: Range): Range =>
  product(perUnit(sum(text, exactly(1)), perCharacter), perUnit(pattern, perPatternCharacter));

/** Functions whose cost depends on what they are given, by name (cel-go 0.26 and Kubernetes 1.34); others cost 1. */
const estimates: Readonly<Record<string, Estimate>> = {
  isSorted: comparesItems,
  sum: comparesItems,
  min: comparesItems,
  max: comparesItems,
  indexOf: comparesItems,
  lastIndexOf: comparesItems,
  url: (_target, [text]) =>
    text === undefined ? undefined : { cost: perUnit(text.size, perCharacter), size: text.size },
  lowerAscii: copiesTarget,
  upperAscii: copiesTarget,
  substring: copiesTarget,
  trim: copiesTarget,
  replace: replaceCost,
  split(target, args) {
    if (target === undefined) return undefined;
    return {
      cost: perUnit(target.size, 2 * perCharacter),
      size: { min: 0, max: (args.length > 1 ? args[1]!.whole : undefined) ?? target.size.max },
    };
  },
  join(target, [separator]) {
    if (target === undefined) return undefined;
    const texts = product(target.size, target.itemSize);
    const gaps = { min: Math.max(0, target.size.min - 1), max: Math.max(0, target.size.max - 1) };
    const size = separator === undefined ? texts : sum(texts, product(separator.size, gaps));
    return { cost: perUnit(size, perCharacter), size };
  },
  find: findsPattern,
  findAll: findsPattern,
  cidr: parsesText,
  isIP: parsesText,
  isCIDR: parsesText,
  ip: (target, args) => (target === undefined ? parsesText(target, args) : once),
  'ip.isCanonical': (_target, [text]) =>
    text === undefined ? undefined : { cost: perUnit(text.size, 2 * perCharacter) },
  containsIP: (_target, [given]) => (given === undefined ? undefined : containsCost(given, [])),
  containsCIDR: (_target, [given]) =>
    given === undefined ? undefined : containsCost(given, [perUnit(addressBytes, perCharacter), exactly(1)]),
  quantity: parsesText,
  isQuantity: parsesText,
  semver: parsesText,
  isSemver: parsesText,
  validate: (_target, [text]) =>
    text === undefined
      ? undefined
      : { cost: perUnit(perUnit(text.size, perCharacter), formatPatternLength * perPatternCharacter) },
  'sets.contains': comparesSets(1),
  'sets.intersects': comparesSets(1),
  'sets.equivalent': comparesSets(2),
  format: (target) => (target === undefined ? undefined : { cost: perUnit(target.size, perCharacter) }),
  'strings.quote': (_target, [text]) =>
    text === undefined
      ? undefined
      : { cost: perUnit(text.size, perCharacter), size: { min: text.size.min + 2, max: text.size.max * 2 + 2 } },
  bytes: (_target, [given]) =>
    given?.type.kind === 'string' || given?.type.kind === 'dyn'
      ? { cost: perUnit(given.size, perCharacter), size: { min: given.size.min, max: given.size.max * 4 } }
      : undefined,
  string: (_target, [given]) =>
    given?.type.kind === 'bytes' || given?.type.kind === 'dyn'
      ? {
          cost: either(exactly(1), perUnit(given.size, perCharacter)),
          size: { min: Math.floor(given.size.min / 4), max: given.size.max },
        }
      : undefined,
  startsWith: parsesText,
  endsWith: parsesText,
  matches: (target, [pattern]) =>
    target === undefined || pattern === undefined ? undefined : { cost: patternCost(target.size, pattern.size) },
  contains: (target, [part]) =>
    target === undefined || part === undefined
      ? undefined
      : { cost: product(perUnit(target.size, perCharacter), perUnit(part.size, perCharacter)) },
  '@in': (_target, [, holder]) => {
    if (holder?.type.kind === 'map') return once;
    return holder === undefined ? undefined : { cost: either(exactly(1), holder.size) };
  },
  '_+_': plusCost,
  '_==_': equalityCost,
  '_!=_': (_target, operands) => comparisonCost(operands),
  '_<_': orderCost,
  '_<=_': orderCost,
  '_>_': orderCost,
  '_>=_': orderCost,
};

/** The cost of a call by its name in cel-go (`_+_`, `sets.contains`), without that of its operands. */
export function callCost(name: string, target: Operand | undefined, args: readonly Operand[]): CallCost {
  const estimate = Object.hasOwn(estimates, name) ? estimates[name] : undefined;
  return estimate?.(target, args) ?? once;
}

function replaceCost(target: Operand | undefined, [from, to]: readonly Operand[]): CallCost | undefined {
  if (target === undefined || from === undefined || to === undefined) return undefined;
  const { size } = target;
  // The longest result: an empty text is found around every character, else the shortest is replaced the most often.
  let [countMax, keptMax] = [0, size.max];
  if (from.size.min === 0) countMax = Math.min(size.max + 1, unknownRange.max);
  else if (to.size.max > from.size.min) [countMax, keptMax] = [Math.ceil(size.max / from.size.min), 0];
  let [countMin, keptMin] = [0, size.min];
  if (from.size.max === 0) countMin = size.min + 1;
  else if (from.size.max > to.size.min) [countMin, keptMin] = [Math.ceil(size.min / from.size.max), 0];
  const replaced = product({ min: countMin, max: countMax }, to.size);
  return {
    cost: perUnit(size, 2 * perCharacter),
    size: sum(replaced, { min: keptMin, max: keptMax }),
  };
}

/** Two addresses are compared; one that is given as text is read first. */
function containsCost(given: Operand, more: readonly Range[]): CallCost {
  const reading = given.type.kind === 'string' ? perUnit(given.size, perCharacter) : exactly(0);
  return { cost: sum(perUnit(sum(addressBytes, addressBytes), perCharacter), ...more, reading) };
}

const textual: ReadonlySet<string> = new Set(['string', 'bytes']);

function plusCost(_target: Operand | undefined, [a, b]: readonly Operand[]): CallCost | undefined {
  if (a === undefined || b === undefined) return undefined;
  const kind = a.type.kind === 'dyn' ? b.type.kind : a.type.kind;
  const size = sum(a.size, b.size);
  if (kind === 'list') return { ...once, size };
  if (textual.has(kind)) return { cost: perUnit(size, perCharacter), size };
  return kind === 'dyn' ? { cost: either(exactly(1), perUnit(size, perCharacter)), size } : undefined;
}

function orderCost(_target: Operand | undefined, operands: readonly Operand[]): CallCost | undefined {
  const kinds = operands.map(({ type }) => type.kind);
  if (kinds.some((kind) => textual.has(kind))) return comparisonCost(operands);
  if (!kinds.every((kind) => kind === 'dyn')) return undefined;
  return { cost: either(exactly(1), comparisonCost(operands).cost) };
}

function equalityCost(_target: Operand | undefined, operands: readonly Operand[]): CallCost {
  const [a, b] = operands;
  if (a?.type.kind === 'opaque' && b?.type.kind === 'opaque' && a.type.name === b.type.name) {
    if (a.type.name === 'kubernetes.NamedFormat')
      return { cost: perUnit({ min: 1, max: formatMaxBytes }, perCharacter) };
    if (a.type.name !== 'kubernetes.URL') return once;
  }
  return comparisonCost(operands);
}

/** As long as the shorter of two. */
function comparisonCost([a, b]: readonly Operand[]): CallCost {
  const max = Math.min(a?.size.max ?? 0, b?.size.max ?? 0);
  return { cost: perUnit({ min: max > 0 ? 1 : 0, max }, perCharacter) };
}
