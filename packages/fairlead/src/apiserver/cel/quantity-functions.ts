import { formatQuantity, type ParsedQuantity, parseQuantity, QUANTITY_ERROR } from '@fairlead/api/quantity';
import type { Environment } from '@marcbachmann/cel-js';
import { evaluationError } from './cel-library.ts';

/** An amount in CEL: type `kubernetes.Quantity`. */
class CelQuantity {
  readonly quantity: ParsedQuantity;

  constructor(quantity: ParsedQuantity) {
    this.quantity = quantity;
  }
}

/** A semantic version in CEL: type `kubernetes.Semver`. */
class CelSemver {
  readonly numbers: readonly [bigint, bigint, bigint];
  readonly pre: readonly string[];

  constructor(numbers: readonly [bigint, bigint, bigint], pre: readonly string[]) {
    this.numbers = numbers;
    this.pre = pre;
  }
}

const billion = 1_000_000_000n;

/** Kubernetes' quantity (1.29) and semver (1.34) libraries. */
export function registerQuantityFunctions(env: Environment): void {
  const type = 'kubernetes.Quantity';
  env.registerType(type, CelQuantity).registerType('kubernetes.Semver', CelSemver);
  env.registerFunction('isQuantity(string): bool', (text: string) => parseQuantity(text) !== undefined);
  env.registerFunction(`quantity(string): ${type}`, (text: string) => {
    const quantity = parseQuantity(text);
    if (quantity === undefined) throw evaluationError(QUANTITY_ERROR);
    return new CelQuantity(quantity);
  });
  const nano = ({ quantity }: CelQuantity): bigint => quantity.nano;
  const order = (a: bigint, b: bigint): bigint => (a < b ? -1n : a > b ? 1n : 0n);
  const whole = (quantity: CelQuantity): boolean => nano(quantity) % billion === 0n;
  env.registerFunction(`sign(${type}): int`, (quantity: CelQuantity) => order(nano(quantity), 0n));
  env.registerFunction(`${type}.isInteger(): bool`, whole);
  env.registerFunction(`${type}.asInteger(): int`, (quantity: CelQuantity) => {
    if (!whole(quantity)) throw evaluationError('cannot convert value to integer');
    return nano(quantity) / billion;
  });
  env.registerFunction(`${type}.asApproximateFloat(): double`, (quantity: CelQuantity) => Number(nano(quantity)) / 1e9);
  env.registerFunction(`${type}.isGreaterThan(${type}): bool`, (a: CelQuantity, b: CelQuantity) => nano(a) > nano(b));
  env.registerFunction(`${type}.isLessThan(${type}): bool`, (a: CelQuantity, b: CelQuantity) => nano(a) < nano(b));
  env.registerFunction(`${type}.compareTo(${type}): int`, (a: CelQuantity, b: CelQuantity) => order(nano(a), nano(b)));
  const plus = (a: CelQuantity, amount: bigint): CelQuantity =>
    new CelQuantity({ ...a.quantity, nano: nano(a) + amount });
  env.registerFunction(`${type}.add(${type}): ${type}`, (a: CelQuantity, b: CelQuantity) => plus(a, nano(b)));
  env.registerFunction(`${type}.add(int): ${type}`, (a: CelQuantity, b: bigint) => plus(a, b * billion));
  env.registerFunction(`${type}.sub(${type}): ${type}`, (a: CelQuantity, b: CelQuantity) => plus(a, -nano(b)));
  env.registerFunction(`${type}.sub(int): ${type}`, (a: CelQuantity, b: bigint) => plus(a, -b * billion));
  env.registerOperator(`${type} == ${type}`, (a: CelQuantity, b: CelQuantity) => nano(a) === nano(b));
  env.registerFunction(`string(${type}): string`, ({ quantity }: CelQuantity) => formatQuantity(quantity));
  registerSemver(env);
}

function registerSemver(env: Environment): void {
  const type = 'kubernetes.Semver';
  env.registerFunction('isSemver(string): bool', (text: string) => parseSemver(text) !== undefined);
  env.registerFunction(`semver(string): ${type}`, (text: string) => {
    const version = parseSemver(text);
    if (version === undefined) throw evaluationError('Invalid character(s) found in version number');
    return version;
  });
  env.registerOperator(`${type} == ${type}`, (a: CelSemver, b: CelSemver) => compareSemver(a, b) === 0);
  env.registerFunction(`${type}.major(): int`, ({ numbers }: CelSemver) => numbers[0]);
  env.registerFunction(`${type}.minor(): int`, ({ numbers }: CelSemver) => numbers[1]);
  env.registerFunction(`${type}.patch(): int`, ({ numbers }: CelSemver) => numbers[2]);
  env.registerFunction(`${type}.compareTo(${type}): int`, (a: CelSemver, b: CelSemver) => BigInt(compareSemver(a, b)));
  env.registerFunction(`${type}.isLessThan(${type}): bool`, (a: CelSemver, b: CelSemver) => compareSemver(a, b) < 0);
  env.registerFunction(`${type}.isGreaterThan(${type}): bool`, (a: CelSemver, b: CelSemver) => compareSemver(a, b) > 0);
}

function parseSemver(text: string): CelSemver | undefined {
  const match =
    /^(0|[1-9][0-9]{0,17})\.(0|[1-9][0-9]{0,17})\.(0|[1-9][0-9]{0,17})(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/.exec(
      text,
    );
  if (match === null) return undefined;
  return new CelSemver([BigInt(match[1]!), BigInt(match[2]!), BigInt(match[3]!)], match[4]?.split('.') ?? []);
}

function compareSemver(a: CelSemver, b: CelSemver): number {
  for (let index = 0; index < 3; index++) {
    if (a.numbers[index]! !== b.numbers[index]!) return a.numbers[index]! < b.numbers[index]! ? -1 : 1;
  }
  if (a.pre.length === 0 || b.pre.length === 0) return a.pre.length === b.pre.length ? 0 : a.pre.length === 0 ? 1 : -1;
  for (let index = 0; index < Math.max(a.pre.length, b.pre.length); index++) {
    const left = a.pre[index];
    const right = b.pre[index];
    if (left === right) continue;
    if (left === undefined) return -1;
    if (right === undefined) return 1;
    const numbers = [left, right].map((part) => (/^[0-9]+$/.test(part) ? Number(part) : undefined));
    if (numbers[0] !== undefined && numbers[1] !== undefined) return numbers[0] < numbers[1] ? -1 : 1;
    if (numbers[0] !== undefined || numbers[1] !== undefined) return numbers[0] !== undefined ? -1 : 1;
    return left < right ? -1 : 1;
  }
  return 0;
}
