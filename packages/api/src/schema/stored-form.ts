// Hot path: runs on every write of a built-in kind.
import { isJsonObject } from '../own-property.ts';
import { schemaTypes } from './all-types.ts';
import { orderFields } from './field-order.ts';

/** A field that is written whenever its struct is, or that leads to such fields. */
interface Step {
  readonly name: string;
  /** An empty list or map here is stored as none, and shown as `null`. */
  readonly isRequiredList: boolean;
  readonly shape: 'one' | 'list' | 'map';
  readonly inner: readonly Step[];
}

const plans = new Map<string, readonly Step[]>();

/** Kinds to which the server itself adds fields, at places that its schema puts elsewhere. */
const reordered: ReadonlySet<string> = new Set(['core.v1.Service']);

/**
 * Gives an object the form in which it comes back from a store that knows no empty lists: required lists and maps
 * that are empty become `null`. What the server added is put in the order of the schema. Changes the object in place.
 */
export function settleStoredForm(typeId: string, object: Record<string, unknown>): void {
  emptyToNull(planOf(typeId), object);
  if (reordered.has(typeId)) orderFields(typeId, object);
}

function planOf(typeId: string): readonly Step[] {
  const known = plans.get(typeId);
  if (known !== undefined) return known;
  const steps: Step[] = [];
  // Types that contain themselves end here; those that do are stored as JSON.
  plans.set(typeId, steps);
  for (const [name, field] of Object.entries(schemaTypes[typeId]?.fields ?? {})) {
    const isRequiredList =
      field.omit === 'never' && field.pointer !== true && (field.type === 'array' || field.type === 'map');
    const shape = field.type === 'array' ? 'list' : field.type === 'map' ? 'map' : 'one';
    const ref = shape === 'list' ? field.items?.ref : shape === 'map' ? field.values?.ref : field.ref;
    const inner = ref === undefined ? [] : planOf(ref);
    if (isRequiredList || inner.length > 0) steps.push({ name, isRequiredList, shape, inner });
  }
  return steps;
}

function emptyToNull(plan: readonly Step[], object: Record<string, unknown>): void {
  for (const { name, isRequiredList, shape, inner } of plan) {
    const value = object[name];
    if (typeof value !== 'object' || value === null) continue;
    if (Array.isArray(value)) {
      if (value.length === 0) {
        if (isRequiredList) object[name] = null;
      } else if (inner.length > 0) {
        for (const item of value as unknown[]) if (isJsonObject(item)) emptyToNull(inner, item);
      }
    } else if (shape === 'map') {
      const items = Object.values(value);
      if (items.length === 0 && isRequiredList) object[name] = null;
      if (inner.length > 0) for (const item of items) if (isJsonObject(item)) emptyToNull(inner, item);
    } else if (inner.length > 0) emptyToNull(inner, value as Record<string, unknown>);
  }
}
