import { portNameErrors } from '../../../names.ts';
import { duplicate, type FieldCause, forbidden, invalid, notSupported, required } from '../../field-cause.ts';
import {
  checkChoice,
  checkDnsLabel,
  checkName,
  checkPort,
  type JsonObject,
  objectIn,
  objectsIn,
  PROTOCOLS,
  textIn,
} from '../fields.ts';
import { validateEnv, validateEnvFrom } from './env.ts';
import { notFound, validateDevices, validateMounts } from './mounts.ts';
import type { PodContext } from './pod-context.ts';
import { validateLifecycleAndProbes } from './probe.ts';
import { validateContainerResources } from './resources.ts';
import { validateSecurityContext } from './security-context.ts';

const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];
const MESSAGE_POLICIES = ['File', 'FallbackToLogsOnError'];
const RESIZED = ['cpu', 'memory'];
const RESIZE_POLICIES = ['NotRequired', 'RestartContainer'];
const NEEDS_SIDECAR = 'may not be set for init containers without restartPolicy=Always';
/** What a container that comes later may not have. */
const NOT_EPHEMERAL = [
  'ports',
  'resources',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
  'resizePolicy',
];

/** Checks the main, init and ephemeral containers of a Pod spec at `field`. */
export function validateContainers(context: PodContext, field: string): FieldCause[] {
  return [
    ...validateMainContainers(context, `${field}.containers`),
    ...validateInitContainers(context, `${field}.initContainers`),
    ...validateEphemeralContainers(context, `${field}.ephemeralContainers`),
  ];
}

function validateMainContainers(context: PodContext, field: string): FieldCause[] {
  const containers = objectsIn(context.spec, 'containers');
  if (containers.length === 0) return [required(field)];
  const causes: FieldCause[] = [];
  const names = new Set<string>();
  for (const [index, container] of containers.entries()) {
    const place = `${field}[${index}]`;
    const name = textIn(container, 'name');
    causes.push(...validateContainer(container, context, place));
    if (names.has(name)) causes.push(duplicate(`${place}.name`, name));
    names.add(name);
    causes.push(...validateLifecycleAndProbes(container, place, context.spec.terminationGracePeriodSeconds));
  }
  return [...causes, ...validateHostPorts(containers, field)];
}

function validateInitContainers(context: PodContext, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const names = new Set(objectsIn(context.spec, 'containers').map((container) => textIn(container, 'name')));
  for (const [index, container] of objectsIn(context.spec, 'initContainers').entries()) {
    const place = `${field}[${index}]`;
    const name = textIn(container, 'name');
    causes.push(...validateContainer(container, context, place));
    const { restartPolicy } = container;
    if (restartPolicy !== undefined && restartPolicy !== 'Always') {
      causes.push(notSupported(`${place}.restartPolicy`, restartPolicy, ['Always']));
    }
    if (names.has(name)) causes.push(duplicate(`${place}.name`, name));
    else if (name !== '') names.add(name);
    // They run one after the other, so that only the ports of one can be in each other's way.
    causes.push(...validateHostPorts([container], field));
    if (restartPolicy === 'Always') {
      causes.push(...validateLifecycleAndProbes(container, place, context.spec.terminationGracePeriodSeconds));
      continue;
    }
    for (const part of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe']) {
      if (container[part] !== undefined) causes.push(forbidden(`${place}.${part}`, NEEDS_SIDECAR));
    }
  }
  return causes;
}

function validateEphemeralContainers(context: PodContext, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const others = ['containers', 'initContainers'].flatMap((list) => objectsIn(context.spec, list));
  const targets = new Set(others.map((container) => textIn(container, 'name')));
  const names = new Set(targets);
  const text = 'cannot be set for an Ephemeral Container';
  for (const [index, container] of objectsIn(context.spec, 'ephemeralContainers').entries()) {
    const place = `${field}[${index}]`;
    const name = textIn(container, 'name');
    causes.push(...validateContainer(container, context, place), ...validateImage(container, place));
    if (names.has(name)) causes.push(duplicate(`${place}.name`, name));
    names.add(name);
    const target = textIn(container, 'targetContainerName');
    if (target !== '' && !targets.has(target)) causes.push(notFound(`${place}.targetContainerName`, target));
    for (const part of NOT_EPHEMERAL) {
      const value = container[part];
      const empty = value === undefined || (Array.isArray(value) ? value.length === 0 : isEmptyResources(part, value));
      if (!empty) causes.push(forbidden(`${place}.${part}`, text));
    }
    for (const [at, mount] of objectsIn(container, 'volumeMounts').entries()) {
      for (const part of ['subPath', 'subPathExpr']) {
        if (textIn(mount, part) !== '') causes.push(forbidden(`${place}.volumeMounts[${at}].${part}`, text));
      }
    }
  }
  return causes;
}

function isEmptyResources(part: string, value: unknown): boolean {
  return part === 'resources' && Object.keys(value as object).length === 0;
}

/** What every container of a Pod is checked for, and not that of a template. */
export function validateImage(container: JsonObject, field: string): FieldCause[] {
  const image = textIn(container, 'image');
  if (image.trim() === image) return [];
  return [invalid(`${field}.image`, image, 'must not have leading or trailing whitespace')];
}

function validateContainer(container: JsonObject, context: PodContext, field: string): FieldCause[] {
  const { spec, volumes, claims } = context;
  const name = textIn(container, 'name');
  const causes = name === '' ? [required(`${field}.name`)] : checkDnsLabel(name, `${field}.name`);
  if (textIn(container, 'image') === '') causes.push(required(`${field}.image`));
  const message = container.terminationMessagePolicy;
  causes.push(...checkChoice(message, `${field}.terminationMessagePolicy`, MESSAGE_POLICIES));
  causes.push(...validatePorts(container, field));
  causes.push(...validateEnv(container, field), ...validateEnvFrom(container, field));
  causes.push(...validateMounts(container, volumes, field), ...validateDevices(container, volumes, field));
  causes.push(...checkChoice(container.imagePullPolicy, `${field}.imagePullPolicy`, PULL_POLICIES));
  causes.push(...validateContainerResources(objectIn(container, 'resources'), claims, `${field}.resources`));
  causes.push(...validateResizePolicy(container, spec, `${field}.resizePolicy`));
  causes.push(...validateSecurityContext(container, spec.hostUsers !== false, `${field}.securityContext`));
  return causes;
}

function validatePorts(container: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const names = new Set<string>();
  for (const [index, port] of objectsIn(container, 'ports').entries()) {
    const place = `${field}.ports[${index}]`;
    const name = textIn(port, 'name');
    if (name !== '') {
      const errors = checkName(name, `${place}.name`, portNameErrors);
      causes.push(...errors);
      if (errors.length === 0 && names.has(name)) causes.push(duplicate(`${place}.name`, name));
      if (errors.length === 0) names.add(name);
    }
    if (!port.containerPort) causes.push(required(`${place}.containerPort`));
    else causes.push(...checkPort(port.containerPort, `${place}.containerPort`));
    if (port.hostPort) causes.push(...checkPort(port.hostPort, `${place}.hostPort`));
    causes.push(...checkChoice(port.protocol, `${place}.protocol`, PROTOCOLS));
  }
  return causes;
}

function validateHostPorts(containers: readonly JsonObject[], field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const seen = new Set<string>();
  for (const [index, container] of containers.entries()) {
    for (const [at, port] of objectsIn(container, 'ports').entries()) {
      if (!port.hostPort) continue;
      const key = `${textIn(port, 'protocol')}/${textIn(port, 'hostIP')}/${port.hostPort}`;
      if (seen.has(key)) causes.push(duplicate(`${field}[${index}].ports[${at}].hostPort`, key));
      seen.add(key);
    }
  }
  return causes;
}

/** All mistakes are told of the list, not of its items. */
function validateResizePolicy(container: JsonObject, spec: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const seen = new Set<string>();
  for (const [index, policy] of objectsIn(container, 'resizePolicy').entries()) {
    const resource = textIn(policy, 'resourceName');
    const restart = textIn(policy, 'restartPolicy');
    if (seen.has(resource)) causes.push(duplicate(`${field}[${index}]`, resource));
    seen.add(resource);
    causes.push(...checkChoice(resource, field, RESIZED), ...checkChoice(restart, field, RESIZE_POLICIES));
    if (spec.restartPolicy === 'Never' && restart !== 'NotRequired') {
      causes.push(invalid(field, restart, "must be 'NotRequired' when `restartPolicy` is 'Never'"));
    }
  }
  return causes;
}
