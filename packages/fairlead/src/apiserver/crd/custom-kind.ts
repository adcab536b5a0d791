// Hot path: every read and write of a custom resource passes here.

import {
  applySchemaDefaults,
  type Definition,
  type DefinitionVersion,
  embeddedCauses,
  hasDefaults,
  type JsonPath,
  type JsonSchema,
  jsonPathValues,
  listTypeCauses,
  type PrinterColumn,
  parseJsonPath,
  printerColumns,
  prune,
  valueCauses,
} from '@fairlead/api/crd/index';
import { dns1123SubdomainErrors } from '@fairlead/api/names';
import { type ManagedType, structureOfOpenApi } from '@fairlead/api/patch/apply/index';
import { plainText } from '@fairlead/api/plain-text';
import { decodeObject, type FieldCause } from '@fairlead/api/schema';
import { validateMetadata, validateMetadataUpdate } from '@fairlead/api/schema/validate/metadata';
import { StatusError } from '../server/status-error.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { StoredObject, storedValue } from '../watch/stored-object.ts';
import { CelRules } from './cel-rules.ts';
import type { ConversionWebhook } from './conversion-webhook.ts';
import { compareVersions } from './version-order.ts';

/** What a body turned out to be. */
export interface DecodedCustomObject {
  readonly object: Record<string, unknown>;
  readonly unknownFields: readonly string[];
  /** First wrong type in the metadata. */
  readonly error: string | undefined;
}

/** Where the scale subresource finds its numbers. */
export interface ScalePaths {
  readonly specReplicas: string;
  readonly statusReplicas: string;
  readonly labelSelector: string | undefined;
}

/** Reasons after which CEL rules are not run: the object does not have the shape they were written for. */
const blockingReasons: ReadonlySet<string> = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);
const maxInt32 = 2147483647;

/** One version of a kind that a definition declares: decoding, defaults, validation, views. */
export class CustomKind {
  readonly schema: JsonSchema;
  readonly listKind: string;
  readonly columns: readonly PrinterColumn[];
  readonly scale: ScalePaths | undefined;
  /** For server-side apply and the tracking of field owners. */
  readonly managed: ManagedType;
  readonly hasStatus: boolean;
  /** The definition is going away: no new objects. */
  readonly terminating: boolean;
  /** Said on every request when the version is deprecated. */
  readonly warning: string | undefined;
  /** Fields by which objects can be selected, as in field selectors (`spec.color`). */
  readonly selectable: ReadonlyMap<string, JsonPath>;
  readonly #apiVersion: string;
  readonly #kind: string;
  readonly #storageApiVersion: string;
  readonly #namespaced: boolean;
  readonly #defaults: boolean;
  readonly #rules: CelRules;
  readonly #views = new WeakMap<StoredObject, StoredObject>();
  readonly #webhook: ConversionWebhook | undefined;

  constructor(
    definition: Definition,
    version: DefinitionVersion,
    terminating: boolean,
    webhook: ConversionWebhook | undefined,
  ) {
    this.#webhook = webhook;
    const { group, names, scope, versions } = definition.spec;
    this.schema = version.schema?.openAPIV3Schema ?? { type: 'object' };
    this.listKind = names.listKind ?? `${names.kind}List`;
    this.columns = printerColumns(version);
    this.hasStatus = version.subresources?.status !== undefined;
    const scale = version.subresources?.scale;
    this.scale =
      scale === undefined
        ? undefined
        : {
            specReplicas: scale.specReplicasPath,
            statusReplicas: scale.statusReplicasPath,
            labelSelector: scale.labelSelectorPath,
          };
    this.managed = { structure: structureOfOpenApi({ ...this.schema }), emptyObject: {} };
    this.terminating = terminating;
    this.warning =
      version.deprecated === true
        ? (version.deprecationWarning ?? defaultDeprecationWarning(definition, version))
        : undefined;
    this.selectable = new Map(
      (version.selectableFields ?? []).map(({ jsonPath }) => [jsonPath.slice(1), parseJsonPath(jsonPath) ?? []]),
    );
    this.#apiVersion = `${group}/${version.name}`;
    this.#kind = names.kind;
    this.#storageApiVersion = `${group}/${versions.find(({ storage }) => storage)?.name ?? version.name}`;
    this.#namespaced = scope === 'Namespaced';
    this.#defaults = hasDefaults(this.schema);
    this.#rules = new CelRules(this.schema);
  }

  /** Reads a body: known metadata, and the fields of the schema. Never throws on bad input. */
  decode(value: unknown): DecodedCustomObject {
    const record = recordOf(value) ?? {};
    const given = record.metadata ?? {};
    const metadata = decodeObject('meta.v1.ObjectMeta', given);
    const unknownFields: string[] = [];
    const pruned = prune(record, this.schema, true, unknownFields) as Record<string, unknown>;
    unknownFields.sort();
    // Fields with the value null are kept for the schema to judge; `undefined` cannot come from JSON.
    const object = { ...pruned, apiVersion: this.#apiVersion, kind: this.#kind, metadata: metadata.object };
    return {
      object,
      unknownFields: [...metadata.unknownFields.map((field) => `metadata.${field}`), ...unknownFields],
      error: metadata.errors[0]?.message,
    };
  }

  /** Fills in defaults. Changes `object`. */
  applyDefaults(object: KubeObject): void {
    const { metadata, ...rest } = object;
    const copy = structuredClone(rest);
    applySchemaDefaults(copy, this.schema);
    for (const key of Object.keys(rest)) delete object[key];
    Object.assign(object, copy, { metadata });
  }

  /** Every mistake of an object, and of the change from `old`. */
  causes(object: KubeObject, old: KubeObject | undefined, subresource: string | undefined): FieldCause[] {
    const causes: FieldCause[] = [
      ...(old === undefined ? [] : validateMetadataUpdate(object, old)),
      ...validateMetadata(object, dns1123SubdomainErrors, this.#namespaced),
    ];
    const before = old === undefined ? undefined : { value: old };
    if (subresource === 'status') {
      const status = this.schema.properties?.status;
      if (status !== undefined && object.status !== undefined) {
        const oldStatus = old?.status === undefined ? undefined : { value: old.status };
        causes.push(...valueCauses(object.status, status, 'status', oldStatus));
      }
      causes.push(...this.#scaleCauses(object, 'statusReplicas'));
    } else {
      causes.push(...valueCauses(object, this.schema, '', before));
      causes.push(...this.#scaleCauses(object, 'specReplicas'), ...this.#scaleCauses(object, 'statusReplicas'));
    }
    causes.push(...embeddedCauses(object, this.schema));
    if (old === undefined || listTypeCauses(old, this.schema).length === 0) {
      causes.push(...listTypeCauses(object, this.schema));
    }
    if (!this.#rules.isEmpty) {
      if (causes.some(({ reason }) => blockingReasons.has(reason))) {
        causes.push({
          reason: 'FieldValueInvalid',
          field: '<nil>',
          message:
            'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
        });
      } else causes.push(...this.#rules.causes(object, old));
    }
    return causes;
  }

  /** True when a webhook must convert the object before {@link view} can show it. */
  needsConversion(stored: StoredObject): boolean {
    return this.#webhook !== undefined && stored.object.apiVersion !== this.#apiVersion && !this.#views.has(stored);
  }

  /** Has objects converted that need it, all in one call. */
  async prepare(list: readonly StoredObject[]): Promise<void> {
    const wanted = list.filter((stored) => this.needsConversion(stored));
    if (this.#webhook === undefined || wanted.length === 0) return;
    const converted = await this.#webhook.convert(
      wanted.map(({ object }) => object),
      this.#apiVersion,
    );
    for (const [index, stored] of wanted.entries()) this.remember(stored, converted[index]!);
  }

  /** Notes how a stored object looks in this version. */
  remember(stored: StoredObject, object: KubeObject): void {
    if (this.#webhook !== undefined) this.#views.set(stored, this.#shown(stored, object));
  }

  /** The object in this version, with the defaults of today's schema. */
  view(stored: StoredObject): StoredObject {
    const known = this.#views.get(stored);
    if (known !== undefined) return known;
    const object = stored.object;
    if (this.needsConversion(stored)) {
      // It changed since the request had its objects converted: the client's next try finds it ready.
      throw new StatusError(503, 'ServiceUnavailable', 'the object is being converted, try again', {
        retryAfterSeconds: 1,
      });
    }
    const same = !this.#defaults && object.apiVersion === this.#apiVersion;
    const shown = same ? stored : this.#shown(stored, object);
    this.#views.set(stored, shown);
    return shown;
  }

  #shown(stored: StoredObject, object: KubeObject): StoredObject {
    const copy = structuredClone(object);
    copy.apiVersion = this.#apiVersion;
    const pruned = { ...(prune(copy, this.schema, true) as KubeObject) };
    this.applyDefaults(pruned);
    const value = storedValue(pruned);
    if (value === stored.value) return stored;
    const { key, createRevision, modRevision } = stored;
    return new StoredObject({ key, value, createRevision, modRevision });
  }

  /** An object of any version in this one. */
  async inVersion(object: KubeObject): Promise<KubeObject> {
    if (object.apiVersion === this.#apiVersion) return object;
    if (this.#webhook === undefined) return { ...object, apiVersion: this.#apiVersion };
    const [converted] = await this.#webhook.convert([object], this.#apiVersion);
    return converted!;
  }

  /** The object in the version the store keeps. */
  async toStorage(object: KubeObject): Promise<KubeObject> {
    if (object.apiVersion === this.#storageApiVersion) return object;
    if (this.#webhook === undefined) return { ...object, apiVersion: this.#storageApiVersion };
    const [converted] = await this.#webhook.convert([object], this.#storageApiVersion);
    return converted!;
  }

  #scaleCauses(object: KubeObject, which: 'specReplicas' | 'statusReplicas'): FieldCause[] {
    if (this.scale === undefined) return [];
    const path = this.scale[which];
    const holder = recordOf(object)?.[path.split('.')[1] ?? ''];
    if (holder !== undefined && holder !== null && recordOf(holder) === undefined) {
      const text = `${path} accessor error: ${plainText(holder)} is of the type ${goType(holder)}, expected map[string]interface{}`;
      return [{ reason: 'FieldValueInvalid', field: path, message: `Invalid value: 0: ${text}` }];
    }
    const found = jsonPathValues(object, parseJsonPath(path) ?? []);
    if (found.length === 0 || found[0] === null) return [];
    const value = found[0];
    const wrong = (shown: unknown, why: string): FieldCause[] => [
      { reason: 'FieldValueInvalid', field: path, message: `Invalid value: ${plainText(shown)}: ${why}` },
    ];
    if (typeof value !== 'bigint' && !Number.isInteger(value)) {
      return wrong(0, `${path} accessor error: ${plainText(value)} is of the type ${goType(value)}, expected int64`);
    }
    if ((value as number | bigint) < 0) return wrong(value, 'should be a non-negative integer');
    if ((value as number | bigint) > maxInt32) return wrong(value, `should be less than or equal to ${maxInt32}`);
    return [];
  }
}

function goType(value: unknown): string {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'bigint') return 'int64';
  if (typeof value === 'number') return 'float64';
  if (typeof value === 'boolean') return 'bool';
  return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';
}

/** What is said of a deprecated version: which newer one of at least its stability is served. */
function defaultDeprecationWarning({ spec }: Definition, { name }: DefinitionVersion): string {
  const { group, names, versions } = spec;
  const [newest] = versions
    .filter((version) => version.served && version.deprecated !== true && compareVersions(version.name, name) < 0)
    .map((version) => version.name)
    .sort(compareVersions);
  const text = `${group}/${name} ${names.kind} is deprecated`;
  return newest === undefined ? text : `${text}; use ${group}/${newest} ${names.kind}`;
}
