import { type Definition, defaultDefinition, definitionCauses } from '@fairlead/api/crd/index';
import { applyDefaults, type FieldCause, validateObject } from '@fairlead/api/schema';
import { settleStoredForm } from '@fairlead/api/schema/stored-form';
import { admissionObjectCauses } from '../admission/admission-object-causes.ts';
import { defaultAdmissionObject } from '../admission/default-admission-object.ts';
import { parseCertificateRequest, requestBytes } from '../certificates/certificate-request.ts';
import { mandatoryFlowCauses } from '../fairness/mandatory-flows.ts';
import type { ServedResource } from '../resources/served-resources.ts';
import { forbidden } from '../server/status-error.ts';
import type { KubeObject } from '../watch/kube-object.ts';
import { definitionRuleCauses } from './definition-rules.ts';

/** Fills in the defaults of an object of any kind. Changes `object`. */
export function applyKindDefaults(resource: ServedResource, object: KubeObject): void {
  if (resource.custom !== undefined) {
    resource.custom.applyDefaults(object);
    return;
  }
  applyDefaults(resource.apiVersion, resource.kind, object);
  if (resource.group === 'apiextensions.k8s.io') defaultDefinition(object);
  else if (resource.group === 'admissionregistration.k8s.io') defaultAdmissionObject(resource.kind, object);
}

/** Gives an object the form it is stored in, where the store of its kind knows no empty lists. Changes `object`. */
export function settleKindForm(resource: ServedResource, object: KubeObject): void {
  if (resource.custom === undefined && resource.group !== 'apiextensions.k8s.io') {
    settleStoredForm(resource.typeId, object);
  }
}

/** Every mistake of an object of any kind, and of the change from `old`. */
export function kindCauses(
  resource: ServedResource,
  object: KubeObject,
  old: KubeObject | undefined,
  subresource: string | undefined,
): FieldCause[] {
  if (resource.custom !== undefined) return resource.custom.causes(object, old, subresource);
  const causes = validateObject(resource.apiVersion, resource.kind, object, old, { subresource });
  if (subresource !== undefined) return causes;
  if (resource.group === 'apiextensions.k8s.io') {
    const definition = object as unknown as Definition;
    const before = old as unknown as Definition | undefined;
    const own = definitionCauses(definition, before);
    // Rules of a schema that is no proper one are not looked at.
    const isProper = !own.some(({ field }) => field.includes('.openAPIV3Schema'));
    const isLate = ({ field }: FieldCause): boolean => field.includes('.selectableFields');
    causes.push(...own.filter((cause) => !isLate(cause)));
    if (isProper) causes.push(...definitionRuleCauses(definition, before));
    causes.push(...own.filter(isLate));
  } else if (resource.group === 'certificates.k8s.io' && old === undefined) {
    const parsed = parseCertificateRequest(requestBytes(object));
    if (!parsed.ok) {
      const shown = (object.spec as { request?: string } | undefined)?.request ?? '';
      const message = `Invalid value: ${JSON.stringify(shown)}: ${parsed.reason}`;
      causes.unshift({ reason: 'FieldValueInvalid', field: 'spec.request', message });
    }
  } else if (resource.group === 'flowcontrol.apiserver.k8s.io') {
    causes.push(...mandatoryFlowCauses(object));
  } else if (resource.group === 'admissionregistration.k8s.io') {
    causes.push(...admissionObjectCauses(resource.kind, object, old));
  }
  return causes;
}

/** Status of a new definition, before its names are looked at. */
export function newDefinitionStatus(object: KubeObject): object {
  const { spec } = object as unknown as Definition;
  const storage = spec?.versions?.find(({ storage: isStorage }) => isStorage)?.name;
  return {
    conditions: null,
    acceptedNames: { plural: '', kind: '' },
    storedVersions: storage === undefined ? [] : [storage],
  };
}

/** Status of a changed definition: its storage version counts as stored from now on. */
export function definitionStatusAfter(object: KubeObject): object {
  const { spec, status } = object as unknown as Definition;
  const known = status?.storedVersions ?? [];
  const storage = spec?.versions?.find(({ storage: isStorage }) => isStorage)?.name;
  if (storage === undefined || known.includes(storage)) return { ...status };
  return { ...status, storedVersions: [...known, storage] };
}

/** A definition that is going away takes no new objects. */
export function refuseWhenTerminating(resource: ServedResource, name: string): void {
  if (resource.custom?.terminating !== true) return;
  throw forbidden(resource, name, 'create not allowed while custom resource definition is terminating');
}
