import { isJsonNumber } from '../../json-number.ts';
import { isJsonObject } from '../../own-property.ts';
import { goValue, goValueInSyntax } from './go-value.ts';
import { itemIdentity } from './list-items.ts';
import {
  type AssociativeList,
  entryStructure,
  type MergeStructure,
  type ScalarKind,
  structureFor,
} from './merge-structure.ts';
import { elementText, fieldElement } from './path-element.ts';

/**
 * What is wrong with an applied configuration, in Kubernetes' texts: unknown fields, wrong types,
 * list items without or with the same identity. Paths come first: `.spec.ports: duplicate entries …`.
 */
export function configFaults(structure: MergeStructure, config: unknown): string[] {
  const faults: string[] = [];
  check(faults, '', structure, config);
  return faults;
}

/** Several faults as one message. */
export function faultText(faults: readonly string[]): string {
  return faults.length === 1 ? faults[0]! : ['errors:', ...faults.map((fault) => `  ${fault}`)].join('\n');
}

function tell(faults: string[], path: string, message: string): void {
  faults.push(path === '' ? message : `${path}: ${message}`);
}

function check(faults: string[], path: string, structure: MergeStructure, value: unknown): void {
  if (value === null || value === undefined || structure.kind === 'untyped') return;
  const resolved = structureFor(structure, value);
  switch (resolved.kind) {
    case 'scalar': {
      const fault = scalarFault(resolved.scalar, value);
      if (fault !== undefined) tell(faults, path, fault);
      return;
    }
    case 'list':
      if (!Array.isArray(value)) tell(faults, path, `expected list, got &{${goValue(value)}}`);
      else if (resolved.listType === 'atomic')
        for (const [index, item] of value.entries()) check(faults, `${path}[${index}]`, resolved.items, item);
      else checkItems(faults, path, resolved, value);
      return;
    default:
      if (!isJsonObject(value)) tell(faults, path, `expected map, got &{${goValue(value)}}`);
      else checkEntries(faults, path, resolved, value);
  }
}

function checkEntries(faults: string[], path: string, structure: MergeStructure, value: Record<string, unknown>): void {
  for (const name of Object.keys(value)) {
    const inner = path + elementText(fieldElement(name));
    const entry = entryStructure(structure, name);
    if (entry === undefined) {
      tell(faults, inner, 'field not declared in schema');
      return;
    }
    check(faults, inner, entry, value[name]);
  }
}

function checkItems(faults: string[], path: string, list: AssociativeList, items: readonly unknown[]): void {
  const seen = new Set<string>();
  for (const [index, item] of items.entries()) {
    const identity = itemIdentity(list, item);
    if (!identity.ok) {
      tell(faults, path, `element ${index}: ${identity.error}`);
      return;
    }
    const text = elementText(identity.element);
    if (seen.has(identity.element)) tell(faults, path, `duplicate entries for key ${text}`);
    seen.add(identity.element);
    check(faults, path + text, list.items, item);
  }
}

function scalarFault(scalar: ScalarKind, value: unknown): string | undefined {
  const type = typeof value;
  switch (scalar) {
    case 'string':
      return type === 'string'
        ? undefined
        : `expected string, got &value.valueUnstructured{Value:${goValueInSyntax(value)}}`;
    case 'numeric':
      return isJsonNumber(value) ? undefined : `expected numeric (int or float), got ${goTypeOf(value)}`;
    case 'boolean':
      return type === 'boolean' ? undefined : `expected boolean, got &{${goValue(value)}}`;
    case 'any':
      return type === 'object' ? `expected any scalar, got &{${goValue(value)}}` : undefined;
  }
}

function goTypeOf(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'object' ? 'map[string]interface {}' : typeof value;
}
