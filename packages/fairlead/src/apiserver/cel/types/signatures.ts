import { type CelType, parseType, splitAtCommas } from './cel-type.ts';

/** One way to call a function or operator. */
export interface Overload {
  /** Type of the receiver of a method; absent for functions. */
  readonly receiver: CelType | undefined;
  readonly parameters: readonly CelType[];
  readonly result: CelType;
}

const comparable = ['int', 'uint', 'double', 'bool', 'string', 'bytes', 'timestamp', 'duration'];
const numeric = ['int', 'uint', 'double'];
const ordered = [
  ...comparable.map((type) => `(${type}, ${type})`),
  ...numeric.flatMap((a) => numeric.filter((b) => b !== a).map((b) => `(${a}, ${b})`)),
];

/** Operators by the names cel-go has for them. */
const operators: Readonly<Record<string, readonly string[]>> = {
  '_+_': [
    ...[...numeric, 'string', 'bytes', 'duration'].map((type) => `(${type}, ${type}): ${type}`),
    '(list<A>, list<A>): list<A>',
    '(timestamp, duration): timestamp',
    '(duration, timestamp): timestamp',
  ],
  '_-_': [
    ...[...numeric, 'duration'].map((type) => `(${type}, ${type}): ${type}`),
    '(timestamp, timestamp): duration',
    '(timestamp, duration): timestamp',
  ],
  '_*_': numeric.map((type) => `(${type}, ${type}): ${type}`),
  '_/_': numeric.map((type) => `(${type}, ${type}): ${type}`),
  '_%_': ['(int, int): int', '(uint, uint): uint'],
  '-_': ['(int): int', '(double): double'],
  '!_': ['(bool): bool'],
  '_<_': ordered.map((types) => `${types}: bool`),
  '_<=_': ordered.map((types) => `${types}: bool`),
  '_>_': ordered.map((types) => `${types}: bool`),
  '_>=_': ordered.map((types) => `${types}: bool`),
  '_==_': ['(A, A): bool'],
  '_!=_': ['(A, A): bool'],
  '@in': ['(A, list<A>): bool', '(A, map<A, B>): bool'],
  '_[_]': [
    '(list<A>, int): A',
    '(map<A, B>, A): B',
    '(optional<list<A>>, int): optional<A>',
    '(optional<map<A, B>>, A): optional<B>',
  ],
  '_[?_]': [
    '(list<A>, int): optional<A>',
    '(map<A, B>, A): optional<B>',
    '(optional<list<A>>, int): optional<A>',
    '(optional<map<A, B>>, A): optional<B>',
  ],
  '_?_:_': ['(bool, A, A): A'],
};

const quantity = 'kubernetes.Quantity';
const semver = 'kubernetes.Semver';
const url = 'kubernetes.URL';
const authz = 'kubernetes.authorization';
const formats =
  'dns1123Label dns1123Subdomain dns1035Label qualifiedName dns1123LabelPrefix dns1123SubdomainPrefix dns1035LabelPrefix labelValue uri uuid byte date datetime';

/** Functions and methods of CEL, its extensions and Kubernetes' libraries: `receiver.name(parameters): result`. */
const functions: readonly string[] = [
  ...['string', 'bytes', 'list<A>', 'map<A, B>'].flatMap((type) => [`size(${type}): int`, `${type}.size(): int`]),
  ...['contains', 'startsWith', 'endsWith', 'matches'].map((name) => `string.${name}(string): bool`),
  'matches(string, string): bool',
  ...['int', 'uint', 'double', 'string', 'timestamp', 'duration'].map((type) => `int(${type}): int`),
  ...['int', 'uint', 'double', 'string'].flatMap((type) => [`uint(${type}): uint`, `double(${type}): double`]),
  ...[...comparable, 'net.IP', 'net.CIDR', quantity].map((type) => `string(${type}): string`),
  ...['bytes(bytes): bytes', 'bytes(string): bytes', 'bool(bool): bool', 'bool(string): bool'],
  ...['string', 'int', 'timestamp'].map((type) => `timestamp(${type}): timestamp`),
  ...['string', 'int', 'duration'].map((type) => `duration(${type}): duration`),
  'type(A): type',
  'dyn(A): dyn',
  ...'getFullYear getMonth getDate getDayOfMonth getDayOfWeek getDayOfYear getHours getMinutes getSeconds getMilliseconds'
    .split(' ')
    .flatMap((name) => [`timestamp.${name}(): int`, `timestamp.${name}(string): int`]),
  ...['getHours', 'getMinutes', 'getSeconds', 'getMilliseconds'].map((name) => `duration.${name}(): int`),
  'string.charAt(int): string',
  ...['indexOf', 'lastIndexOf'].flatMap((name) => [
    `string.${name}(string): int`,
    `string.${name}(string, int): int`,
    `list<A>.${name}(A): int`,
  ]),
  ...['lowerAscii', 'upperAscii', 'trim'].map((name) => `string.${name}(): string`),
  'string.replace(string, string): string',
  'string.replace(string, string, int): string',
  'string.split(string): list<string>',
  'string.split(string, int): list<string>',
  'string.substring(int): string',
  'string.substring(int, int): string',
  'string.format(list<dyn>): string',
  'list<string>.join(): string',
  'list<string>.join(string): string',
  'strings.quote(string): string',
  'string.find(string): string',
  'string.findAll(string): list<string>',
  'string.findAll(string, int): list<string>',
  ...comparable.map((type) => `list<${type}>.isSorted(): bool`),
  ...comparable.flatMap((type) => [`list<${type}>.min(): ${type}`, `list<${type}>.max(): ${type}`]),
  ...[...numeric, 'duration'].map((type) => `list<${type}>.sum(): ${type}`),
  ...['contains', 'equivalent', 'intersects'].map((name) => `sets.${name}(list<A>, list<A>): bool`),
  'isURL(string): bool',
  `url(string): ${url}`,
  ...['getScheme', 'getHost', 'getHostname', 'getPort', 'getEscapedPath'].map((name) => `${url}.${name}(): string`),
  `${url}.getQuery(): map<string, list<string>>`,
  'isIP(string): bool',
  'ip(string): net.IP',
  'ip.isCanonical(string): bool',
  'net.IP.family(): int',
  ...['isUnspecified', 'isLoopback', 'isLinkLocalMulticast', 'isLinkLocalUnicast', 'isGlobalUnicast'].map(
    (name) => `net.IP.${name}(): bool`,
  ),
  'isCIDR(string): bool',
  'cidr(string): net.CIDR',
  ...['string', 'net.IP'].map((type) => `net.CIDR.containsIP(${type}): bool`),
  ...['string', 'net.CIDR'].map((type) => `net.CIDR.containsCIDR(${type}): bool`),
  'net.CIDR.ip(): net.IP',
  'net.CIDR.masked(): net.CIDR',
  'net.CIDR.prefixLength(): int',
  'isQuantity(string): bool',
  `quantity(string): ${quantity}`,
  // Kubernetes registers this one as a function, not as a method.
  `sign(${quantity}): int`,
  `${quantity}.asInteger(): int`,
  `${quantity}.isInteger(): bool`,
  `${quantity}.asApproximateFloat(): double`,
  ...['isGreaterThan', 'isLessThan'].flatMap((name) => [
    `${quantity}.${name}(${quantity}): bool`,
    `${semver}.${name}(${semver}): bool`,
  ]),
  `${quantity}.compareTo(${quantity}): int`,
  ...['add', 'sub'].flatMap((name) => [
    `${quantity}.${name}(${quantity}): ${quantity}`,
    `${quantity}.${name}(int): ${quantity}`,
  ]),
  'isSemver(string): bool',
  'isSemver(string, bool): bool',
  `semver(string): ${semver}`,
  `semver(string, bool): ${semver}`,
  ...['major', 'minor', 'patch'].map((name) => `${semver}.${name}(): int`),
  `${semver}.compareTo(${semver}): int`,
  ...formats.split(' ').map((name) => `format.${name}(): kubernetes.NamedFormat`),
  'format.named(string): optional<kubernetes.NamedFormat>',
  'kubernetes.NamedFormat.validate(string): optional<list<string>>',
  'optional.of(A): optional<A>',
  'optional.ofNonZeroValue(A): optional<A>',
  'optional.none(): optional<A>',
  'optional<A>.hasValue(): bool',
  'optional<A>.value(): A',
  'optional<A>.or(optional<A>): optional<A>',
  'optional<A>.orValue(A): A',
  `${authz}.Authorizer.path(string): ${authz}.PathCheck`,
  `${authz}.Authorizer.group(string): ${authz}.GroupCheck`,
  `${authz}.Authorizer.serviceAccount(string, string): ${authz}.Authorizer`,
  `${authz}.GroupCheck.resource(string): ${authz}.ResourceCheck`,
  ...['subresource', 'namespace', 'name', 'fieldSelector', 'labelSelector'].map(
    (name) => `${authz}.ResourceCheck.${name}(string): ${authz}.ResourceCheck`,
  ),
  ...['PathCheck', 'ResourceCheck'].map((type) => `${authz}.${type}.check(string): ${authz}.Decision`),
  ...['allowed', 'errored'].map((name) => `${authz}.Decision.${name}(): bool`),
  ...['reason', 'error'].map((name) => `${authz}.Decision.${name}(): string`),
];

/** Names before a dot that are part of a function's name and no values. */
export const namespaces: ReadonlySet<string> = new Set(['sets', 'strings', 'ip', 'format', 'optional']);

function overloadOf(text: string): Overload {
  const open = text.indexOf('(');
  const close = text.lastIndexOf('):');
  return {
    receiver: undefined,
    parameters: splitAtCommas(text.slice(open + 1, close)).map(parseType),
    result: parseType(text.slice(close + 2)),
  };
}

function functionTable(): ReadonlyMap<string, readonly Overload[]> {
  const table = new Map<string, Overload[]>();
  const add = (name: string, overload: Overload): void => {
    const known = table.get(name);
    if (known === undefined) table.set(name, [overload]);
    else known.push(overload);
  };
  for (const [name, list] of Object.entries(operators)) for (const text of list) add(name, overloadOf(text));
  for (const text of functions) {
    const open = text.indexOf('(');
    const path = text.slice(0, open);
    const dot = path.lastIndexOf('.');
    const before = dot < 0 ? '' : path.slice(0, dot);
    const overload = overloadOf(text);
    if (dot < 0) add(path, overload);
    else if (namespaces.has(before)) add(path, overload);
    else add(path.slice(dot + 1), { ...overload, receiver: parseType(before) });
  }
  return table;
}

/** Overloads by name: operators as `_+_`, functions of a namespace as `sets.contains`. */
export const overloads: ReadonlyMap<string, readonly Overload[]> = functionTable();
