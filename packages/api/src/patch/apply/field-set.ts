// Hot path: sets of one write; they stay in the form that is stored, and unchanged parts are shared.
import { isJsonObject } from '../../own-property.ts';
import { canonicalElement, compareElements, elementText, type PathElement } from './path-element.ts';

/**
 * A set of field paths, held as its own FieldsV1 form:
 *
 *     { 'f:spec': { 'f:ports': { '.': {}, 'k:{"port":80}': {} } } }
 *
 * holds `.spec.ports` (by the dot) and `.spec.ports[port=80]` (nothing below it), but not
 * `.spec`. Never changed after it is built: operations share parts of their arguments.
 */
export interface FieldSet {
  readonly [element: PathElement]: FieldSet;
}

/** A set under construction. */
export interface FieldSetDraft {
  [element: PathElement]: FieldSet;
}

/** The set of no paths; below an element, the element alone. */
export const noFields: FieldSet = Object.freeze({});

/** Marks, below an element, that the element itself belongs to the set. */
export const self = '.';

/** True for a set without paths. */
export function isEmptySet(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}

/** True when the element that leads to this node is itself in the set. */
function isMember(node: FieldSet): boolean {
  return node[self] !== undefined || isEmptySet(node);
}

/** The node of an element that is in the set or not, above these paths; `undefined` for nothing. */
function nodeOf(member: boolean, below: FieldSetDraft): FieldSet | undefined {
  if (isEmptySet(below)) return member ? noFields : undefined;
  return member ? { [self]: noFields, ...below } : below;
}

/** Paths of either set. */
export function unionFields(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmptySet(b)) return a;
  if (isEmptySet(a)) return b;
  const result: FieldSetDraft = { ...a };
  let grown = false;
  for (const element in b) {
    if (element === self) continue;
    const right = b[element]!;
    const left = a[element];
    const merged = left === undefined ? right : unionNodes(left, right);
    if (merged === left) continue;
    result[element] = merged;
    grown = true;
  }
  return grown ? result : a;
}

function unionNodes(a: FieldSet, b: FieldSet): FieldSet {
  const below = unionFields(a, b);
  const member = isMember(a) || isMember(b);
  if (!member) return below;
  if (below[self] !== undefined || isEmptySet(below)) return below;
  return { [self]: noFields, ...below };
}

/** Paths of `a` that are not in `b`; a path in `b` leaves those below it alone. */
export function subtractFields(a: FieldSet, b: FieldSet): FieldSet {
  return reduce(a, b, (left, right) => {
    const below = subtractFields(left, right);
    const leaves = isMember(left) && isMember(right);
    if (below === left && !leaves) return left;
    return nodeOf(isMember(left) && !leaves, withoutSelf(below));
  });
}

function withoutSelf(node: FieldSet): FieldSetDraft {
  if (node[self] === undefined) return node;
  const { [self]: _, ...below } = node;
  return below;
}

/** Paths of `a` that are neither in `b` nor below a path of `b`. */
export function subtractTrees(a: FieldSet, b: FieldSet): FieldSet {
  return reduce(a, b, (left, right) => {
    if (isMember(right)) return undefined;
    const below = subtractTrees(left, right);
    return below === left ? left : nodeOf(isMember(left), withoutSelf(below));
  });
}

/** The set with all that `everything` has below its leaves: what is one field in one version may be several in another. */
export function withInside(set: FieldSet, everything: FieldSet): FieldSet {
  const result: FieldSetDraft = {};
  for (const element in set) {
    const node = set[element]!;
    const inside = element === self ? undefined : everything[element];
    result[element] =
      inside === undefined ? node : isEmptySet(node) ? unionFields(node, inside) : withInside(node, inside);
  }
  return result;
}

/** `a` with the nodes that `b` also has replaced; `a` itself when nothing changes. */
function reduce(
  a: FieldSet,
  b: FieldSet,
  replace: (left: FieldSet, right: FieldSet) => FieldSet | undefined,
): FieldSet {
  let result: FieldSetDraft | undefined;
  for (const element in b) {
    if (element === self) continue;
    const left = a[element];
    if (left === undefined) continue;
    const node = replace(left, b[element]!);
    if (node === left) continue;
    result ??= { ...a };
    if (node === undefined) delete result[element];
    else result[element] = node;
  }
  return result ?? a;
}

/** Paths of both sets. */
export function intersectFields(a: FieldSet, b: FieldSet): FieldSet {
  let result: FieldSetDraft | undefined;
  for (const element in a) {
    if (element === self) continue;
    const right = b[element];
    if (right === undefined) continue;
    const left = a[element]!;
    const node = nodeOf(isMember(left) && isMember(right), intersectFields(left, right));
    if (node === undefined) continue;
    result ??= {};
    result[element] = node;
  }
  return result ?? noFields;
}

/** True when the path is in the set. */
export function hasField(set: FieldSet, path: readonly PathElement[]): boolean {
  let node: FieldSet = set;
  for (const element of path) {
    const next = node[element];
    if (next === undefined) return false;
    node = next;
  }
  return path.length > 0 && isMember(node);
}

/** True when the element is in the set at its first level. */
export function hasElement(set: FieldSet, element: PathElement): boolean {
  const node = set[element];
  return node !== undefined && isMember(node);
}

/** Paths below an element, without the element itself; empty when there are none. */
export function fieldsBelow(set: FieldSet, element: PathElement): FieldSet {
  const node = set[element];
  if (node === undefined) return noFields;
  if (node[self] === undefined) return node;
  const { [self]: _, ...below } = node;
  return below;
}

/** True when both sets hold the same paths. */
export function sameSet(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true;
  let count = 0;
  for (const element in a) {
    const right = b[element];
    if (right === undefined || !sameSet(a[element]!, right)) return false;
    count++;
  }
  for (const _ in b) count--;
  return count === 0;
}

/** Every path of the set as text (`.spec.ports[port=80]`), the paths of one place before those below it. */
export function fieldPaths(set: FieldSet, prefix = ''): string[] {
  const elements = Object.keys(set)
    .filter((element) => element !== self)
    .sort(compareElements);
  const paths = elements.filter((element) => isMember(set[element]!)).map((element) => prefix + elementText(element));
  for (const element of elements) paths.push(...fieldPaths(set[element]!, prefix + elementText(element)));
  return paths;
}

/** The set with the elements of every place in order, as Kubernetes writes it. */
export function orderedFields(set: FieldSet): FieldSet {
  const elements = Object.keys(set);
  if (elements.length === 0) return noFields;
  const result: FieldSetDraft = {};
  if (set[self] !== undefined) result[self] = noFields;
  for (const element of elements.length === 1 ? elements : elements.sort(compareElements)) {
    if (element !== self) result[element] = orderedFields(set[element]!);
  }
  return result;
}

const DEPTH_MAX = 100;

/** Reads a FieldsV1 document that someone else wrote; `undefined` when it is malformed. */
export function parseFieldSet(document: unknown): FieldSet | undefined {
  const { [self]: _, ...below } = parseNode(document, 0) ?? { invalid: noFields };
  return 'invalid' in below ? undefined : below;
}

function parseNode(document: unknown, depth: number): FieldSet | undefined {
  if (!isJsonObject(document) || depth > DEPTH_MAX) return undefined;
  const result: FieldSetDraft = {};
  for (const key of Object.keys(document)) {
    const element = key === self ? self : canonicalElement(key);
    const node = element === undefined ? undefined : parseNode(document[key], depth + 1);
    if (element === undefined || node === undefined) return undefined;
    result[element] = element === self ? noFields : node;
  }
  // A dot with nothing beside it says the same as nothing at all.
  return result[self] !== undefined && Object.keys(result).length === 1 ? noFields : result;
}
