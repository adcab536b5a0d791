import { configKeyErrors, dns1123SubdomainErrors, envVarNameErrors } from '../../../names.ts';
import { type FieldCause, invalid, required } from '../../field-cause.ts';
import { checkName, type JsonObject, objectsIn, textIn } from '../fields.ts';
import { ENV_FIELDS, validateFieldRef, validateResourceFieldRef } from './downward-api.ts';
import { givenObject } from './pod-context.ts';

/** Checks the environment variables of a container. */
export function validateEnv(container: JsonObject, field: string): FieldCause[] {
  return objectsIn(container, 'env').flatMap((variable, index) => {
    const place = `${field}.env[${index}]`;
    const name = textIn(variable, 'name');
    const causes = name === '' ? [required(`${place}.name`)] : checkName(name, `${place}.name`, envVarNameErrors);
    return [...causes, ...validateValueFrom(variable, `${place}.valueFrom`)];
  });
}

function validateValueFrom(variable: JsonObject, field: string): FieldCause[] {
  const source = givenObject(variable, 'valueFrom');
  if (source === undefined) return [];
  const causes: FieldCause[] = [];
  let count = 0;
  const fieldRef = givenObject(source, 'fieldRef');
  if (fieldRef !== undefined) {
    count++;
    causes.push(...validateFieldRef(fieldRef, ENV_FIELDS, `${field}.fieldRef`));
  }
  const resourceRef = givenObject(source, 'resourceFieldRef');
  if (resourceRef !== undefined) {
    count++;
    causes.push(...validateResourceFieldRef(resourceRef, `${field}.resourceFieldRef`, false));
  }
  for (const kind of ['configMapKeyRef', 'secretKeyRef']) {
    const reference = givenObject(source, kind);
    if (reference === undefined) continue;
    count++;
    causes.push(...checkName(textIn(reference, 'name'), `${field}.${kind}.name`, dns1123SubdomainErrors));
    const key = textIn(reference, 'key');
    if (key === '') causes.push(required(`${field}.${kind}.key`));
    else causes.push(...checkName(key, `${field}.${kind}.key`, configKeyErrors));
  }
  if (count === 0) {
    const text = 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`';
    causes.push(invalid(field, '', text));
  } else if (textIn(variable, 'value') !== '') {
    causes.push(invalid(field, '', 'may not be specified when `value` is not empty'));
  } else if (count > 1) causes.push(invalid(field, '', 'may not have more than one field specified at a time'));
  return causes;
}

/** Checks the ConfigMaps and Secrets that a container takes whole as its environment. */
export function validateEnvFrom(container: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const list = `${field}.envFrom`;
  for (const [index, source] of objectsIn(container, 'envFrom').entries()) {
    const place = `${list}[${index}]`;
    const prefix = textIn(source, 'prefix');
    if (prefix !== '') causes.push(...checkName(prefix, `${place}.prefix`, envVarNameErrors));
    let count = 0;
    for (const kind of ['configMapRef', 'secretRef']) {
      const reference = givenObject(source, kind);
      if (reference === undefined) continue;
      count++;
      const name = textIn(reference, 'name');
      if (name === '') causes.push(required(`${place}.${kind}.name`));
      else causes.push(...checkName(name, `${place}.${kind}.name`, prefixErrors));
    }
    if (count === 0) causes.push(invalid(list, '', 'must specify one of: `configMapRef` or `secretRef`'));
    else if (count > 1) causes.push(invalid(list, '', 'may not have more than one field specified at a time'));
  }
  return causes;
}

/** A server takes these names as the beginning of one, so that they may end in a dash. */
function prefixErrors(name: string): string[] {
  return dns1123SubdomainErrors(name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name);
}
