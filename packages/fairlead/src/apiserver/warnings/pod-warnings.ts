import { formatQuantity, parseQuantity } from '@fairlead/api';
import { isJsonNumber } from '@fairlead/api/json-number';
import { jsonEqual } from '@fairlead/api/own-property';
import { goQuote } from '@fairlead/api/schema/field-cause';
import { ipWarnings } from '../resources/address-warnings.ts';
import { recordOf } from '../watch/kube-object.ts';
import { appArmorFieldOf, appArmorPrefix } from './app-armor.ts';
import { type Json, listOf, objectOf, textOf } from './json-fields.ts';
import { matchesNothing, nodeLabelWarnings } from './node-label-warnings.ts';
import { overlappingPathWarnings } from './overlapping-paths.ts';
import { portWarnings } from './port-warnings.ts';

/** A container and where it stands. */
export interface PlacedContainer {
  readonly container: Json;
  readonly field: string;
}

const nano = 1_000_000_000n;
const seccompPod = 'seccomp.security.alpha.kubernetes.io/pod';
const seccompContainer = 'container.seccomp.security.alpha.kubernetes.io/';
const useSeccompField = 'non-functional in v1.27+; use the "seccompProfile" field instead';
const deprecatedAnnotations: ReadonlyMap<string, string> = new Map([
  ['scheduler.alpha.kubernetes.io/critical-pod', 'non-functional in v1.16+; use the "priorityClassName" field instead'],
  ['security.alpha.kubernetes.io/sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
  ['security.alpha.kubernetes.io/unsafe-sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
]);
/** Volumes whose drivers are gone: name, as it is told, and since when. */
const deprecatedVolumes: readonly (readonly [name: string, told: string, since: string])[] = [
  ['photonPersistentDisk', 'photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['gitRepo', 'gitRepo', 'deprecated in v1.11, and disabled by default in v1.33+'],
  ['scaleIO', 'scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['flocker', 'flocker', 'deprecated in v1.22, non-functional in v1.25+'],
  ['storageos', 'storageOS', 'deprecated in v1.22, non-functional in v1.25+'],
  ['quobyte', 'quobyte', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['ephemeral', '', ''],
  ['cephfs', 'cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['rbd', 'rbd', 'deprecated in v1.28, non-functional in v1.31+'],
];

/**
 * What a server remarks about a valid Pod (`prefix` empty) or Pod template (`prefix` is its path), in the server's
 * order. A remark is not a mistake: the object is stored as it is.
 */
export function podWarnings(pod: Json, prefix: string): string[] {
  const base = prefix === '' ? '' : `${prefix}.`;
  const spec = objectOf(pod, 'spec');
  const field = `${base}spec`;
  const annotations = objectOf(objectOf(pod, 'metadata'), 'annotations');
  const annotated = (key: string): string => `${base}metadata.annotations[${key}]`;
  const warnings = nodeLabelWarnings(spec, field);
  for (const [key, text] of deprecatedAnnotations) {
    if (annotations[key] !== undefined) warnings.push(`${annotated(key)}: ${text}`);
  }
  warnings.push(...volumeWarnings(spec, field), ...overlappingPathWarnings(spec));
  warnings.push(...repeatedWarnings(spec, field));
  warnings.push(...fractionWarnings(objectOf(spec, 'overhead'), `${field}.overhead`, ['memory', 'ephemeral-storage']));
  const podContext = objectOf(spec, 'securityContext');
  if (podContext.seccompProfile === undefined && annotations[seccompPod] !== undefined) {
    warnings.push(`${annotated(seccompPod)}: ${useSeccompField}`);
  }
  const containers = ['initContainers', 'containers', 'ephemeralContainers'].flatMap((list) =>
    listOf(spec, list).map((container, index): PlacedContainer => ({ container, field: `${field}.${list}[${index}]` })),
  );
  for (const { container, field: place } of containers) {
    const context = objectOf(container, 'securityContext');
    const name = textOf(container, 'name');
    const seccomp = `${seccompContainer}${name}`;
    if (context.seccompProfile === undefined && annotations[seccomp] !== undefined) {
      warnings.push(`${annotated(seccomp)}: ${useSeccompField}`);
    }
    const appArmor = `${appArmorPrefix}${name}`;
    if (prefix !== '' && context.appArmorProfile === undefined && annotations[appArmor] !== undefined) {
      const same = jsonEqual(appArmorFieldOf(String(annotations[appArmor])), podContext.appArmorProfile);
      if (podContext.appArmorProfile === undefined || !same)
        warnings.push(`${annotated(appArmor)}: ${useAppArmorField}`);
    }
    warnings.push(...containerWarnings(container, place));
  }
  warnings.push(...portWarnings(containers));
  const grace = spec.terminationGracePeriodSeconds;
  if (isJsonNumber(grace) && grace < 0) {
    warnings.push(
      `${field}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`,
    );
  }
  return [...warnings, ...affinityWarnings(spec, field), ...addressWarnings(spec, field)];
}

/** What a server remarks about an annotation that is a field now. */
export const useAppArmorField = 'deprecated since v1.30; use the "appArmorProfile" field instead';

function volumeWarnings(spec: Json, field: string): string[] {
  return listOf(spec, 'volumes').flatMap((volume, index) =>
    deprecatedVolumes.flatMap(([name, told, since]) => {
      const source = recordOf(volume[name]);
      if (source === undefined) return [];
      const place = `${field}.volumes[${index}]`;
      if (name !== 'ephemeral') return [`${place}.${told}: ${since}`];
      const claim = recordOf(source.volumeClaimTemplate);
      return claim === undefined
        ? []
        : claimWarnings(objectOf(claim, 'spec'), `${place}.ephemeral.volumeClaimTemplate.spec`);
    }),
  );
}

/** What a server remarks about the specification of a claim. */
export function claimWarnings(spec: Json, field: string): string[] {
  const resources = objectOf(spec, 'resources');
  return ['requests', 'limits'].flatMap((kind) =>
    fractionWarnings(objectOf(resources, kind), `${field}.resources.${kind}`, ['storage']),
  );
}

/** Bytes come whole. */
function fractionWarnings(amounts: Json, field: string, names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const amount = parseQuantity(String(amounts[name] ?? '0'));
    if (amount === undefined || amount.nano % nano === 0n) return [];
    const text = formatQuantity(amount);
    return [`${field}[${name}]: fractional byte value ${goQuote(text)} is invalid, must be an integer`];
  });
}

function repeatedWarnings(spec: Json, field: string): string[] {
  const warnings: string[] = [];
  for (const [list, name] of [
    ['hostAliases', 'ip'],
    ['imagePullSecrets', 'name'],
  ] as const) {
    const seen = new Set<string>();
    for (const [index, item] of listOf(spec, list).entries()) {
      const text = textOf(item, name);
      if (seen.has(text)) warnings.push(`${field}.${list}[${index}].${name}: duplicate ${name} ${goQuote(text)}`);
      seen.add(text);
    }
  }
  for (const [index, secret] of listOf(spec, 'imagePullSecrets').entries()) {
    if (textOf(secret, 'name') === '') {
      warnings.push(`${field}.imagePullSecrets[${index}].name: invalid empty name ""`);
    }
  }
  return warnings;
}

function containerWarnings(container: Json, field: string): string[] {
  const resources = objectOf(container, 'resources');
  const warnings = ['memory', 'ephemeral-storage'].flatMap((name) =>
    ['limits', 'requests'].flatMap((kind) =>
      fractionWarnings(objectOf(resources, kind), `${field}.resources.${kind}`, [name]),
    ),
  );
  const seen = new Set<string>();
  for (const [index, variable] of listOf(container, 'env').entries()) {
    const name = textOf(variable, 'name');
    const value = textOf(variable, 'value');
    const own = `$(${name})`;
    // A later definition may build on the one before.
    const hides = variable.valueFrom !== undefined || value === own || !value.includes(own);
    if (seen.has(name) && hides) {
      warnings.push(
        `${field}.env[${index}]: hides previous definition of ${goQuote(name)}, which may be dropped when using apply`,
      );
    }
    seen.add(name);
  }
  return warnings;
}

function affinityWarnings(spec: Json, field: string): string[] {
  const affinity = objectOf(spec, 'affinity');
  const term = 'requiredDuringSchedulingIgnoredDuringExecution';
  const wish = 'preferredDuringSchedulingIgnoredDuringExecution';
  return ['podAffinity', 'podAntiAffinity'].flatMap((kind) => {
    const rules = objectOf(affinity, kind);
    const place = `${field}.affinity.${kind}`;
    return [
      ...listOf(rules, term).flatMap((item, index) =>
        item.labelSelector === undefined ? [`${place}.${term}[${index}].labelSelector: ${matchesNothing}`] : [],
      ),
      ...listOf(rules, wish).flatMap((item, index) =>
        objectOf(item, 'podAffinityTerm').labelSelector === undefined
          ? [`${place}.${wish}[${index}].podAffinityTerm.labelSelector: ${matchesNothing}`]
          : [],
      ),
    ];
  });
}

function addressWarnings(spec: Json, field: string): string[] {
  const servers = objectOf(spec, 'dnsConfig').nameservers;
  return [
    ...(Array.isArray(servers) ? (servers as unknown[]) : []).flatMap((server, index) =>
      ipWarnings(`${field}.dnsConfig.nameservers[${index}]`, server),
    ),
    ...listOf(spec, 'hostAliases').flatMap((alias, index) => ipWarnings(`${field}.hostAliases[${index}].ip`, alias.ip)),
  ];
}
