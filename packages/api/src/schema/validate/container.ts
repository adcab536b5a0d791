import { envVarNameErrors, portNameErrors } from '../../names.ts';
import { isJsonObject } from '../../own-property.ts';
import { compareQuantities } from '../../quantity.ts';
import { duplicate, type FieldCause, forbidden, invalid, notSupported, required } from '../field-cause.ts';
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
} from './fields.ts';
import { validateHandler, validateProbe } from './probe.ts';

const ENV_SOURCES = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'];
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];

/** Checks the main and init containers of a Pod spec at `field`; `volumes` are the names of its volumes. */
export function validateContainers(spec: JsonObject, field: string, volumes: ReadonlySet<string>): FieldCause[] {
  const causes: FieldCause[] = [];
  const containers = objectsIn(spec, 'containers');
  if (containers.length === 0) causes.push(required(`${field}.containers`));
  const names = new Set<string>();
  for (const [index, container] of containers.entries()) {
    const place = `${field}.containers[${index}]`;
    causes.push(...validateContainer(container, place, volumes, names));
    causes.push(...validateLifecycleAndProbes(container, place));
  }
  causes.push(...validateHostPorts(containers, `${field}.containers`));
  for (const [index, container] of objectsIn(spec, 'initContainers').entries()) {
    const place = `${field}.initContainers[${index}]`;
    causes.push(...validateContainer(container, place, volumes, names));
    const { restartPolicy } = container;
    if (restartPolicy === 'Always') causes.push(...validateLifecycleAndProbes(container, place));
    else {
      if (restartPolicy !== undefined) causes.push(notSupported(`${place}.restartPolicy`, restartPolicy, ['Always']));
      for (const name of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe']) {
        if (container[name] === undefined) continue;
        causes.push(forbidden(`${place}.${name}`, 'may not be set for init containers without restartPolicy=Always'));
      }
    }
  }
  return causes;
}

function validateContainer(
  container: JsonObject,
  field: string,
  volumes: ReadonlySet<string>,
  names: Set<string>,
): FieldCause[] {
  const causes: FieldCause[] = [];
  const name = textIn(container, 'name');
  causes.push(...(name === '' ? [required(`${field}.name`)] : checkDnsLabel(name, `${field}.name`)));
  const image = textIn(container, 'image');
  if (image === '') causes.push(required(`${field}.image`));
  else if (image.trim() !== image)
    causes.push(invalid(`${field}.image`, image, 'must not have leading or trailing whitespace'));
  causes.push(...validatePorts(container, field));
  causes.push(...validateEnv(container, field));
  causes.push(...validateMounts(container, field, volumes));
  causes.push(...checkChoice(container.imagePullPolicy, `${field}.imagePullPolicy`, PULL_POLICIES));
  causes.push(...validateResources(objectIn(container, 'resources'), `${field}.resources`));
  if (name !== '' && names.has(name)) causes.push(duplicate(`${field}.name`, name));
  names.add(name);
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
      names.add(name);
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

function validateEnv(container: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  for (const [index, variable] of objectsIn(container, 'env').entries()) {
    const place = `${field}.env[${index}]`;
    const name = textIn(variable, 'name');
    causes.push(...(name === '' ? [required(`${place}.name`)] : checkName(name, `${place}.name`, envVarNameErrors)));
    if (!isJsonObject(variable.valueFrom)) continue;
    const source = variable.valueFrom;
    const from = `${place}.valueFrom`;
    if (textIn(variable, 'value') !== '') {
      causes.push(invalid(from, '', 'may not be specified when `value` is not empty'));
      continue;
    }
    const given = ENV_SOURCES.filter((kind) => source[kind] !== undefined);
    if (given.length === 0) {
      causes.push(
        invalid(from, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`'),
      );
    } else if (given.length > 1) {
      causes.push(invalid(from, '', 'may not have more than one field specified at a time'));
    }
    for (const kind of ['configMapKeyRef', 'secretKeyRef']) {
      const reference = source[kind];
      if (!isJsonObject(reference)) continue;
      if (textIn(reference, 'name') === '') causes.push(required(`${from}.${kind}.name`));
      if (textIn(reference, 'key') === '') causes.push(required(`${from}.${kind}.key`));
    }
    if (isJsonObject(source.fieldRef) && textIn(source.fieldRef, 'fieldPath') === '') {
      causes.push(required(`${from}.fieldRef.fieldPath`));
    }
  }
  return causes;
}

function validateMounts(container: JsonObject, field: string, volumes: ReadonlySet<string>): FieldCause[] {
  const causes: FieldCause[] = [];
  const paths = new Set<string>();
  for (const [index, mount] of objectsIn(container, 'volumeMounts').entries()) {
    const place = `${field}.volumeMounts[${index}]`;
    const name = textIn(mount, 'name');
    if (name === '') causes.push(required(`${place}.name`));
    else if (!volumes.has(name)) {
      causes.push({
        reason: 'FieldValueNotFound',
        field: `${place}.name`,
        message: `Not found: ${JSON.stringify(name)}`,
      });
    }
    const path = textIn(mount, 'mountPath');
    if (path === '') causes.push(required(`${place}.mountPath`));
    if (paths.has(path)) causes.push(invalid(`${place}.mountPath`, path, 'must be unique'));
    paths.add(path);
  }
  return causes;
}

function validateResources(resources: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const limits = objectIn(resources, 'limits');
  const requests = objectIn(resources, 'requests');
  for (const [list, amounts] of [
    ['limits', limits],
    ['requests', requests],
  ] as const) {
    for (const [name, amount] of Object.entries(amounts)) {
      if (compareQuantities(String(amount), '0') >= 0) continue;
      causes.push(invalid(`${field}.${list}[${name}]`, amount, 'must be greater than or equal to 0'));
    }
  }
  for (const [name, request] of Object.entries(requests)) {
    const limit = limits[name];
    if (limit === undefined || compareQuantities(String(request), String(limit)) <= 0) continue;
    causes.push(
      invalid(`${field}.requests`, request, `must be less than or equal to ${name} limit of ${String(limit)}`),
    );
  }
  return causes;
}

function validateLifecycleAndProbes(container: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const lifecycle = objectIn(container, 'lifecycle');
  for (const name of ['postStart', 'preStop']) {
    const handler = lifecycle[name];
    if (isJsonObject(handler))
      causes.push(...validateHandler(handler, `${field}.lifecycle.${name}`, ['exec', 'httpGet', 'tcpSocket', 'sleep']));
  }
  for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    const probe = container[name];
    if (!isJsonObject(probe)) continue;
    causes.push(...validateProbe(probe, `${field}.${name}`));
    if (name !== 'readinessProbe' && probe.successThreshold !== 1) {
      causes.push(invalid(`${field}.${name}.successThreshold`, probe.successThreshold ?? 0, 'must be 1'));
    }
  }
  return causes;
}
