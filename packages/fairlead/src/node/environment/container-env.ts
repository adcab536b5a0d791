import type { ConfigMap, Container, PersistentVolume, PersistentVolumeClaim, Pod, Secret } from '@fairlead/api';
import { expandVariables } from './expand.ts';
import { fieldValue, type PodFacts, resourceFieldValue } from './field-ref.ts';

/** A ServiceAccount token and its end, milliseconds since the epoch. */
export interface IssuedToken {
  readonly token: string;
  readonly expiresAt: number;
}

/** Reads configuration objects of a Pod's namespace; undefined when there is none of that name. */
export interface ConfigSource {
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>;
  secret(namespace: string, name: string): Promise<Secret | undefined>;
  claim(namespace: string, name: string): Promise<PersistentVolumeClaim | undefined>;
  volume(name: string): Promise<PersistentVolume | undefined>;
  /** A new token of the Pod's ServiceAccount, bound to the Pod; `audience` undefined: the API server's own. */
  token(pod: Pod, audience: string | undefined, expirationSeconds: number): Promise<IssuedToken>;
}

/** The mistake that keeps a container from being created; becomes its waiting message. */
export class ContainerConfigError extends Error {
  override readonly name: string = 'ContainerConfigError';
}

/** Text of a Secret's value. */
function secretText(value: string): string {
  return Buffer.from(value, 'base64').toString();
}

/** Names that a shell and the kernel can take; others of `envFrom` are left out as the kubelet does. */
function isVariableName(name: string): boolean {
  return name !== '' && !name.includes('=') && !name.includes('\0');
}

/**
 * A container's environment. Later entries win: `base`, `serviceEnv`, `envFrom` in order, `env` in order.
 * `$(VAR)` in `env` refers to what was set before it.
 */
export async function containerEnvironment(
  pod: Pod,
  container: Container,
  base: Readonly<Record<string, string>>,
  serviceEnv: Readonly<Record<string, string>>,
  facts: PodFacts,
  source: ConfigSource,
): Promise<Record<string, string>> {
  const namespace = pod.metadata?.namespace ?? 'default';
  const env: Record<string, string> = { ...base, ...serviceEnv };
  for (const from of container.envFrom ?? []) {
    const prefix = from.prefix ?? '';
    const values = await sourceValues(namespace, from, source);
    for (const [key, value] of Object.entries(values)) {
      if (isVariableName(prefix + key)) env[prefix + key] = value;
    }
  }
  for (const variable of container.env ?? []) {
    if (variable.valueFrom === undefined) {
      env[variable.name] = expandVariables(variable.value ?? '', (name) => env[name]);
      continue;
    }
    const value = await referencedValue(pod, container, variable.valueFrom, facts, source);
    if (value !== undefined) env[variable.name] = value;
  }
  return env;
}

async function sourceValues(
  namespace: string,
  from: NonNullable<Container['envFrom']>[number],
  source: ConfigSource,
): Promise<Record<string, string>> {
  if (from.configMapRef !== undefined) {
    const name = from.configMapRef.name ?? '';
    const map = await source.configMap(namespace, name);
    if (map === undefined && from.configMapRef.optional !== true) {
      throw new ContainerConfigError(`configmap "${name}" not found`);
    }
    return map?.data ?? {};
  }
  if (from.secretRef !== undefined) {
    const name = from.secretRef.name ?? '';
    const secret = await source.secret(namespace, name);
    if (secret === undefined && from.secretRef.optional !== true) {
      throw new ContainerConfigError(`secret "${name}" not found`);
    }
    return Object.fromEntries(Object.entries(secret?.data ?? {}).map(([key, value]) => [key, secretText(value)]));
  }
  return {};
}

async function referencedValue(
  pod: Pod,
  container: Container,
  from: NonNullable<NonNullable<Container['env']>[number]['valueFrom']>,
  facts: PodFacts,
  source: ConfigSource,
): Promise<string | undefined> {
  const namespace = pod.metadata?.namespace ?? 'default';
  if (from.fieldRef !== undefined) {
    const value = fieldValue(pod, from.fieldRef.fieldPath, facts);
    if (value === undefined) throw new ContainerConfigError(`unsupported fieldPath: ${from.fieldRef.fieldPath}`);
    return value;
  }
  if (from.resourceFieldRef !== undefined) {
    const named = from.resourceFieldRef.containerName;
    const owner =
      named === undefined || named === ''
        ? container
        : [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].find((other) => other.name === named);
    const value = owner === undefined ? undefined : resourceFieldValue(owner, from.resourceFieldRef);
    if (value === undefined) throw new ContainerConfigError(`unsupported resource: ${from.resourceFieldRef.resource}`);
    return value;
  }
  if (from.configMapKeyRef !== undefined) {
    const { name = '', key, optional } = from.configMapKeyRef;
    const map = await source.configMap(namespace, name);
    const value = map?.data?.[key];
    if (value !== undefined || optional === true) return value;
    throw new ContainerConfigError(
      map === undefined
        ? `configmap "${name}" not found`
        : `couldn't find key ${key} in ConfigMap ${namespace}/${name}`,
    );
  }
  if (from.secretKeyRef !== undefined) {
    const { name = '', key, optional } = from.secretKeyRef;
    const secret = await source.secret(namespace, name);
    const value = secret?.data?.[key];
    if (value !== undefined) return secretText(value);
    if (optional === true) return undefined;
    throw new ContainerConfigError(
      secret === undefined ? `secret "${name}" not found` : `couldn't find key ${key} in Secret ${namespace}/${name}`,
    );
  }
  throw new ContainerConfigError('env: valueFrom names no supported source');
}
