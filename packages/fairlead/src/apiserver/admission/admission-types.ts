import { type CelType, dyn } from '../cel/types/cel-type.ts';
import { typeOfBuiltIn } from '../cel/types/schema-types.ts';
import { celTypeOf } from '../cel/types/typed-program.ts';

const text: CelType = { kind: 'string' };

function objectOf(name: string, fields: Readonly<Record<string, CelType>>): CelType {
  return { kind: 'object', name, field: (field) => (Object.hasOwn(fields, field) ? fields[field] : undefined) };
}

const kind = objectOf('kubernetes.GroupVersionKind', { group: text, version: text, kind: text });
const resource = objectOf('kubernetes.GroupVersionResource', { group: text, version: text, resource: text });
const userInfo = objectOf('kubernetes.UserInfo', {
  username: text,
  uid: text,
  groups: { kind: 'list', item: text },
  extra: { kind: 'map', key: text, value: { kind: 'list', item: text } },
});
const request = objectOf('kubernetes.AdmissionRequest', {
  kind,
  resource,
  subResource: text,
  requestKind: kind,
  requestResource: resource,
  requestSubResource: text,
  name: text,
  namespace: text,
  operation: text,
  userInfo,
  dryRun: { kind: 'bool' },
  options: dyn,
});

/** Variables of a policy with the types of their expressions, in the order of their declaration. */
export class VariableTypes {
  readonly #types = new Map<string, CelType>();

  /** The type of `variables`. */
  readonly type: CelType = {
    kind: 'object',
    name: 'kubernetes.variables',
    field: (name) => this.#types.get(name),
  };

  /** Declares the next variable; one whose expression is none can be anything. */
  declare(name: unknown, expression: unknown, names: readonly string[], types: ReadonlyMap<string, CelType>): void {
    if (typeof expression !== 'string' || expression.trim() === '') return;
    const all = new Map(types).set('variables', this.type);
    this.#types.set(String(name ?? ''), celTypeOf(expression, [...names, 'variables'], all));
  }
}

/** Types of the variables of policies and match conditions; `object`: that of the objects they look at. */
export function admissionTypes(object: CelType = dyn): Map<string, CelType> {
  return new Map<string, CelType>([
    ['object', object],
    ['oldObject', object],
    ['request', request],
    ['namespaceObject', typeOfBuiltIn('core.v1.Namespace')],
    ['params', dyn],
    ['authorizer', { kind: 'opaque', name: 'kubernetes.authorization.Authorizer' }],
  ]);
}
