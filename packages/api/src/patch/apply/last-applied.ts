import { parseJson } from '../../json-number.ts';
import { isJsonObject } from '../../own-property.ts';
import { plainText } from '../../plain-text.ts';
import { compareObjects } from './compare-objects.ts';
import { isEmptySet, subtractFields, unionFields } from './field-set.ts';
import type { ManagedType } from './managed-type.ts';
import { appliedFields } from './object-fields.ts';
import type { FieldConflict } from './reconcile-managers.ts';

/** Where client-side apply keeps what it applied last. */
const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';
/** More than this in all annotations together is refused (bytes). */
const ANNOTATIONS_MAX_BYTES = 262_144;

type JsonObject = Readonly<Record<string, unknown>>;

function annotationsOf(object: JsonObject): Record<string, unknown> | undefined {
  const metadata = isJsonObject(object.metadata) ? object.metadata : {};
  return isJsonObject(metadata.annotations) ? metadata.annotations : undefined;
}

/**
 * The conflicts that client-side apply does not explain. Fields that kubectl applied on the client
 * and that still have their value are kubectl's own: its first server-side apply may take them.
 */
export function allowedByLastApplied(
  type: ManagedType,
  live: JsonObject,
  conflicts: readonly FieldConflict[],
): readonly FieldConflict[] {
  const text = annotationsOf(live)?.[lastAppliedAnnotation];
  const last = typeof text === 'string' ? parse(text) : undefined;
  if (last === undefined) return conflicts;
  const { added, modified, removed } = compareObjects(type.structure, last, live);
  const differing = unionFields(unionFields(added, modified), removed);
  const own = subtractFields(appliedFields(type.structure, last), differing);
  return conflicts
    .map((conflict) => ({ ...conflict, fields: subtractFields(conflict.fields, own) }))
    .filter(({ fields }) => !isEmptySet(fields));
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value = parseJson(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The object with its annotation of client-side apply brought up to the applied configuration, if it has one. */
export function withLastApplied(object: Record<string, unknown>, config: JsonObject): Record<string, unknown> {
  const annotations = annotationsOf(object);
  if (annotations?.[lastAppliedAnnotation] === undefined) return object;
  const { [lastAppliedAnnotation]: _, ...others } = annotations;
  const text = `${JSON.stringify(sorted(config))}\n`;
  const next = { ...others, [lastAppliedAnnotation]: text };
  let bytes = 0;
  for (const [name, value] of Object.entries(next))
    bytes += Buffer.byteLength(name) + Buffer.byteLength(plainText(value));
  const kept = bytes > ANNOTATIONS_MAX_BYTES ? others : next;
  return { ...object, metadata: { ...(object.metadata as object), annotations: kept } };
}

/** Go writes the keys of maps in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  );
}
