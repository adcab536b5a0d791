import { dns1035LabelErrors, dns1123SubdomainErrors } from '../names.ts';
import { jsonEqual } from '../own-property.ts';
import { type FieldCause, forbidden, invalid, notSupported, required } from '../schema/field-cause.ts';
import type { Definition, DefinitionNames, DefinitionVersion } from './definition.ts';
import { commonPartCauses, isCommon, ownPartCauses, schemaPath } from './definition-parts.ts';
import { structuralCauses } from './structural.ts';

const approval = 'api-approved.kubernetes.io';

/** Every mistake of a definition beside those of its CEL rules, and of the change from `old`. */
export function definitionCauses(definition: Definition, old?: Definition): FieldCause[] {
  const { spec, metadata } = definition;
  // A body without versions holds null here.
  const versions = spec.versions ?? [];
  const causes: FieldCause[] = [];
  const { names } = spec;
  // A changed name or group is told as such.
  if (old === undefined && (metadata.name ?? '') !== '' && metadata.name !== `${names.plural}.${spec.group}`) {
    causes.push(invalid('metadata.name', metadata.name ?? '', 'must be spec.names.plural+"."+spec.group'));
  }
  causes.push(...groupCauses(definition, old));
  if (spec.scope === '') causes.push(required('spec.scope'));
  else if (spec.scope !== 'Cluster' && spec.scope !== 'Namespaced') {
    causes.push(notSupported('spec.scope', spec.scope, ['Cluster', 'Namespaced']));
  }
  causes.push(...versionCauses(versions, spec.versions ?? null), ...namesCauses(names));
  const common = isCommon(versions, 'schema') ? versions[0]?.schema?.openAPIV3Schema : undefined;
  if (common !== undefined) causes.push(...structuralCauses(common, schemaPath(versions, 0)));
  causes.push(...commonPartCauses(versions), ...conversionCauses(definition));
  if (spec.preserveUnknownFields === true && old?.spec.preserveUnknownFields !== true) {
    const text =
      'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead';
    causes.push(invalid('spec.preserveUnknownFields', true, text));
  }
  causes.push(...storedVersionCauses(definition, versions));
  if (old !== undefined) causes.push(...updateCauses(definition, old));
  return causes;
}

function groupCauses({ spec, metadata }: Definition, old: Definition | undefined): FieldCause[] {
  const { group } = spec;
  if (group === '') return [required('spec.group')];
  const faults = dns1123SubdomainErrors(group);
  if (faults.length > 0) return faults.map((fault) => invalid('spec.group', group, fault));
  if (!group.includes('.')) return [invalid('spec.group', group, 'should be a domain with at least one dot')];
  const protectedGroup = /(?:^|\.)(?:k8s|kubernetes)\.io$/.test(group);
  const annotation = metadata.annotations?.[approval] ?? '';
  if (!protectedGroup || annotation.startsWith('unapproved') || annotation.startsWith('https://')) return [];
  if (old !== undefined && (old.metadata.annotations?.[approval] ?? '') === annotation) return [];
  const field = `metadata.annotations[${approval}]`;
  const see = 'see https://github.com/kubernetes/enhancements/pull/1111';
  return annotation === ''
    ? [required(field, `protected groups must have approval annotation "${approval}", ${see}`)]
    : [
        invalid(
          field,
          annotation,
          `protected groups must have approval annotation "${approval}" with either a URL or a reason starting with "unapproved", ${see}`,
        ),
      ];
}

/** `given`: the list as it came, which may be null. */
function versionCauses(versions: readonly DefinitionVersion[], given: unknown): FieldCause[] {
  const causes: FieldCause[] = [];
  const shown = given === null ? null : shownVersions(versions);
  for (const [index, { served, schema }] of versions.entries()) {
    if (schema?.openAPIV3Schema === undefined && served !== undefined) {
      causes.push(required(`spec.versions[${index}].schema.openAPIV3Schema`));
    }
  }
  for (const [index, { name, schema }] of versions.entries()) {
    for (const fault of dns1035LabelErrors(name)) causes.push(invalid(`spec.versions[${index}].name`, name, fault));
    if (schema?.openAPIV3Schema !== undefined && !isCommon(versions, 'schema')) {
      causes.push(...structuralCauses(schema.openAPIV3Schema, schemaPath(versions, index)));
    }
    causes.push(...ownPartCauses(versions, index));
  }
  if (new Set(versions.map(({ name }) => name)).size < versions.length) {
    causes.push(invalid('spec.versions', shown, 'must contain unique version names'));
  }
  if (versions.filter((version) => version.storage).length !== 1) {
    causes.push(invalid('spec.versions', shown, 'must have exactly one version marked as storage version'));
  }
  // The older field for the first version, which a server fills in.
  const first = versions[0]?.name ?? '';
  if (first !== '') for (const fault of dns1035LabelErrors(first)) causes.push(invalid('spec.version', first, fault));
  return causes;
}

/** Versions as a Kubernetes server shows them: by the names of its internal type, common parts left out. */
function shownVersions(versions: readonly DefinitionVersion[]): object[] {
  const common = isCommon(versions, 'schema');
  return versions.map((version) => ({
    Name: version.name,
    Served: version.served,
    Storage: version.storage,
    Deprecated: version.deprecated ?? false,
    DeprecationWarning: version.deprecationWarning ?? null,
    Schema: common ? null : (version.schema ?? null),
    Subresources: null,
    AdditionalPrinterColumns: null,
    SelectableFields: null,
  }));
}

function namesCauses(names: DefinitionNames): FieldCause[] {
  const causes: FieldCause[] = [];
  const label = (value: string, field: string): void => {
    for (const fault of dns1035LabelErrors(value)) causes.push(invalid(field, value, fault));
  };
  const kindLike = (value: string, field: string): void => {
    for (const fault of dns1035LabelErrors(value.toLowerCase())) {
      causes.push(invalid(field, value, `may have mixed case, but should otherwise match: ${fault}`));
    }
  };
  for (const name of ['plural', 'singular', 'kind', 'listKind'] as const) {
    if ((names[name] ?? '') === '') causes.push(required(`spec.names.${name}`));
  }
  if (names.plural !== '') label(names.plural, 'spec.names.plural');
  if ((names.singular ?? '') !== '') label(names.singular!, 'spec.names.singular');
  if (names.kind !== '') kindLike(names.kind, 'spec.names.kind');
  if ((names.listKind ?? '') !== '') kindLike(names.listKind!, 'spec.names.listKind');
  for (const [index, name] of (names.shortNames ?? []).entries()) label(name, `spec.names.shortNames[${index}]`);
  if (names.kind !== '' && names.kind === names.listKind) {
    causes.push(invalid('spec.names.listKind', names.listKind, 'kind and listKind may not be the same'));
  }
  for (const [index, name] of (names.categories ?? []).entries()) label(name, `spec.names.categories[${index}]`);
  return causes;
}

function conversionCauses({ spec }: Definition): FieldCause[] {
  const { conversion } = spec;
  if (conversion === undefined) return [];
  const field = 'spec.conversion';
  const causes: FieldCause[] = [];
  if (conversion.strategy === '') causes.push(required(`${field}.strategy`));
  else if (!['None', 'Webhook'].includes(conversion.strategy)) {
    causes.push(notSupported(`${field}.strategy`, conversion.strategy, ['None', 'Webhook']));
  }
  if (conversion.strategy !== 'Webhook') {
    const text = 'should not be set when strategy is not set to Webhook';
    const { clientConfig, conversionReviewVersions = [] } = conversion.webhook ?? {};
    if (clientConfig !== undefined) causes.push(forbidden(`${field}.webhookClientConfig`, text));
    if (conversionReviewVersions.length > 0) causes.push(forbidden(`${field}.conversionReviewVersions`, text));
    return causes;
  }
  if (conversion.webhook?.clientConfig === undefined) {
    causes.push(required(`${field}.webhookClientConfig`, 'required when strategy is set to Webhook'));
  } else if (
    (conversion.webhook.clientConfig.url === undefined) ===
    (conversion.webhook.clientConfig.service === undefined)
  ) {
    causes.push(required(`${field}.webhookClientConfig`, 'exactly one of url or service is required'));
  }
  const reviews = conversion.webhook?.conversionReviewVersions ?? [];
  if (reviews.length === 0) causes.push(required(`${field}.conversionReviewVersions`));
  else if (!reviews.includes('v1') && !reviews.includes('v1beta1')) {
    causes.push(invalid(`${field}.conversionReviewVersions`, reviews, 'must include at least one of v1, v1beta1'));
  }
  return causes;
}

/** Mistakes in what the server itself keeps of the versions. */
function storedVersionCauses({ status }: Definition, versions: readonly DefinitionVersion[]): FieldCause[] {
  const stored = status?.storedVersions ?? [];
  const field = 'status.storedVersions';
  if (stored.length === 0) return [invalid(field, null, 'must have at least one stored version')];
  const causes: FieldCause[] = [];
  const left = new Set(stored);
  // One version of a name takes it: a second one with the same name does not find it any more.
  for (const { name, storage } of versions) {
    const found = left.delete(name);
    if (storage && !found) causes.push(invalid(field, stored, `must have the storage version ${name}`));
  }
  for (const name of left) {
    const text = `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`;
    causes.push(invalid(`${field}[${stored.indexOf(name)}]`, name, text));
  }
  return causes;
}

function updateCauses(definition: Definition, old: Definition): FieldCause[] {
  const causes: FieldCause[] = [];
  const { spec } = definition;
  const immutable = (field: string, value: unknown, before: unknown): void => {
    if (!jsonEqual(value ?? null, before ?? null)) causes.push(invalid(field, value, 'field is immutable'));
  };
  const established = old.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True');
  if (established === true) {
    immutable('spec.scope', spec.scope, old.spec.scope);
    immutable('spec.names.kind', spec.names.kind, old.spec.names.kind);
  }
  immutable('spec.group', spec.group, old.spec.group);
  immutable('spec.names.plural', spec.names.plural, old.spec.names.plural);
  return causes;
}
