import { isJsonObject, jsonEqual, setOwn } from '../own-property.ts';
import { plainText } from '../plain-text.ts';
import { jsonKind } from '../schema/go-type-name.ts';
import { SchemaError } from '../schema/schema-error.ts';

/** Operations one patch may hold, as on a Kubernetes server. */
const JSON_PATCH_MAX_OPERATIONS = 10_000;
/** Bytes that `copy` operations of one patch may add: repeated copies double an object each time. */
const COPY_MAX_BYTES = 3 * 1024 * 1024;
/** Deepest nesting of what a patch may make, and of a pointer: copies and moves into each other nest without end. */
const DEPTH_MAX = 1000;
/** A server says no more than this when an operation cannot be applied. */
const REJECTED = 'the server rejected our request due to an error in our request';

/**
 * Applies a JSON patch (RFC 6902). Inputs stay unchanged.
 *
 * As on a Kubernetes server `replace` of an absent object member adds it, and
 * negative list indexes count from the end. Throws a SchemaError: `json` when
 * the document is not a list of operations, `patch` when an operation cannot be
 * applied, `too-large` when there are too many, `patch-test` when a `test` fails; the cause says which operation.
 */
export function jsonPatch(original: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) {
    throw new SchemaError(
      'json',
      `json: cannot unmarshal ${jsonKind(patch)} into Go value of type []handlers.jsonPatchOp`,
    );
  }
  if (patch.length > JSON_PATCH_MAX_OPERATIONS) {
    const text = `The allowed maximum operations in a JSON patch is ${JSON_PATCH_MAX_OPERATIONS}, got ${patch.length}`;
    throw new SchemaError('too-large', text);
  }
  let document = original;
  let copied = 0;
  for (const operation of patch as readonly unknown[]) {
    if (operation === null) reject('patch', 'no operation');
    if (!isJsonObject(operation)) {
      throw new SchemaError(
        'json',
        `json: cannot unmarshal ${jsonKind(operation)} into Go value of type handlers.jsonPatchOp`,
      );
    }
    for (const name of ['op', 'path', 'from'] as const) {
      const given = operation[name];
      if (given === undefined || given === null || typeof given === 'string') continue;
      const message = `json: cannot unmarshal ${jsonKind(given)} into Go struct field jsonPatchOp.${name} of type string`;
      throw new SchemaError('json', message);
    }
    const path = pointer(operation.path);
    switch (operation.op) {
      case 'add':
        document = put(document, path, operation.value ?? null, 'add');
        break;
      case 'replace':
        document = put(document, path, operation.value ?? null, 'replace');
        break;
      case 'remove':
        document = remove(document, path);
        break;
      case 'test':
        if (!jsonEqual(lookup(document, path) ?? null, operation.value ?? null)) {
          reject('patch-test', `testing value ${String(operation.path)} failed`);
        }
        break;
      case 'move': {
        const from = pointer(operation.from);
        const value = get(document, from);
        document = put(remove(document, from), path, value, 'add');
        break;
      }
      case 'copy': {
        const value = get(document, pointer(operation.from));
        if (isDeeper(value, DEPTH_MAX - path.length)) reject('patch', 'copies nest too deeply');
        copied += JSON.stringify(value).length;
        if (copied > COPY_MAX_BYTES) reject('patch', 'copies of one patch are limited to 3 MiB');
        document = put(document, path, value, 'add');
        break;
      }
      default:
        reject('patch', `unexpected kind: ${plainText(operation.op)}`);
    }
  }
  if (isDeeper(document, DEPTH_MAX)) reject('patch', 'the patched document is nested too deeply');
  return document;
}

/** True when objects and lists are nested in each other more than `most` times. Needs no stack, however deep. */
function isDeeper(value: unknown, most: number): boolean {
  let level = [value];
  for (let depth = 0; ; depth++) {
    const next: unknown[] = [];
    for (const one of level) {
      if (typeof one !== 'object' || one === null) continue;
      for (const child of Object.values(one)) if (typeof child === 'object' && child !== null) next.push(child);
    }
    if (next.length === 0) return false;
    if (depth >= most) return true;
    level = next;
  }
}

function reject(code: 'patch' | 'patch-test', detail: string): never {
  throw new SchemaError(code, REJECTED, { cause: new Error(detail) });
}

/** The reference tokens of a JSON pointer (RFC 6901). */
function pointer(text: unknown): readonly string[] {
  if (text === '') return [];
  if (typeof text !== 'string' || !text.startsWith('/')) reject('patch', `not a JSON pointer: ${plainText(text)}`);
  const tokens = text.slice(1).split('/');
  if (tokens.length > DEPTH_MAX) reject('patch', 'a pointer of too many parts');
  return tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function listIndex(token: string, length: number, end: number): number {
  if (!/^(?:0|-?[1-9]\d*)$/.test(token)) reject('patch', `not a list index: ${token}`);
  const index = Number(token) < 0 ? length + Number(token) : Number(token);
  if (index < 0 || index > end) reject('patch', `list index out of bounds: ${token}`);
  return index;
}

/** The value at a path, or `undefined` where there is none. */
function lookup(document: unknown, path: readonly string[]): unknown {
  let value = document;
  for (const token of path) {
    if (Array.isArray(value)) value = value[listIndex(token, value.length, value.length - 1)];
    else if (isJsonObject(value) && Object.hasOwn(value, token)) value = value[token];
    else return undefined;
  }
  return value;
}

function get(document: unknown, path: readonly string[]): unknown {
  const value = lookup(document, path);
  return value === undefined ? reject('patch', `no value at /${path.join('/')}`) : value;
}

/** Replaces the container at all but the last token with a changed copy. */
function change(
  document: unknown,
  path: readonly string[],
  edit: (container: unknown[] | Record<string, unknown>, token: string) => void,
  at = 0,
): unknown {
  const token = path[at] ?? '';
  const copy = Array.isArray(document) ? [...document] : isJsonObject(document) ? { ...document } : undefined;
  if (copy === undefined) return reject('patch', `no list or object at /${path.slice(0, at).join('/')}`);
  if (at === path.length - 1) {
    edit(copy, token);
  } else if (Array.isArray(copy)) {
    const index = listIndex(token, copy.length, copy.length - 1);
    copy[index] = change(copy[index], path, edit, at + 1);
  } else {
    if (!Object.hasOwn(copy, token)) reject('patch', `no value at /${path.slice(0, at + 1).join('/')}`);
    setOwn(copy, token, change(copy[token], path, edit, at + 1));
  }
  return copy;
}

function put(document: unknown, path: readonly string[], value: unknown, op: 'add' | 'replace'): unknown {
  if (path.length === 0) return value;
  return change(document, path, (container, token) => {
    if (!Array.isArray(container)) setOwn(container, token, value);
    else if (op === 'replace') container[listIndex(token, container.length, container.length - 1)] = value;
    else if (token === '-') container.push(value);
    else container.splice(listIndex(token, container.length, container.length), 0, value);
  });
}

function remove(document: unknown, path: readonly string[]): unknown {
  if (path.length === 0) return reject('patch', 'cannot remove the whole document');
  return change(document, path, (container, token) => {
    if (Array.isArray(container)) container.splice(listIndex(token, container.length, container.length - 1), 1);
    else if (Object.hasOwn(container, token)) delete container[token];
    else reject('patch', `no value at /${path.join('/')}`);
  });
}
