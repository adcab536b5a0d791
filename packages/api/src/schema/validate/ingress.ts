import { parseIp } from '../../ip.ts';
import {
  dns1035LabelErrors,
  dns1123SubdomainErrors,
  portNameErrors,
  wildcardDns1123SubdomainErrors,
} from '../../names.ts';
import { isJsonObject } from '../../own-property.ts';
import { type FieldCause, forbidden, invalid, notSupported, required, tooLong } from '../field-cause.ts';
import {
  checkDnsLabel,
  checkDnsSubdomain,
  checkDomainPath,
  checkGivenChoice,
  checkImmutable,
  checkName,
  checkPort,
  type JsonObject,
  objectIn,
  objectsIn,
  stringsIn,
  textIn,
} from './fields.ts';

const CLASS_ANNOTATION = 'kubernetes.io/ingress.class';
const CONTROLLER_MAX_BYTES = 250;
const BAD_SEQUENCES = ['//', '/./', '/../', '%2f', '%2F'];
const BAD_ENDINGS = ['/..', '/.'];

/** Checks an Ingress. */
export function validateIngress(ingress: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const spec = objectIn(ingress, 'spec');
  const causes: FieldCause[] = [];
  const rules = objectsIn(spec, 'rules');
  if (rules.length === 0 && spec.defaultBackend === undefined) {
    causes.push(invalid('spec', spec.rules ?? null, 'either `defaultBackend` or `rules` must be specified'));
  }
  if (isJsonObject(spec.defaultBackend)) causes.push(...validateBackend(spec.defaultBackend, 'spec.defaultBackend'));
  for (const [index, rule] of rules.entries()) causes.push(...validateRule(rule, `spec.rules[${index}]`));
  for (const [index, tls] of objectsIn(spec, 'tls').entries()) {
    for (const [at, host] of stringsIn(tls, 'hosts').entries()) {
      causes.push(...checkHost(host, `spec.tls[${index}].hosts[${at}]`));
    }
    const secret = textIn(tls, 'secretName');
    if (secret !== '') causes.push(...checkDnsSubdomain(secret, `spec.tls[${index}].secretName`));
  }
  const className = spec.ingressClassName;
  if (typeof className === 'string') causes.push(...checkDnsSubdomain(className, 'spec.ingressClassName'));
  if (old === undefined && typeof className === 'string') {
    const annotated = objectIn(objectIn(ingress, 'metadata'), 'annotations')[CLASS_ANNOTATION];
    if (annotated !== undefined && annotated !== className) {
      const text = 'must match `ingressClassName` when both are specified';
      causes.push(invalid(`annotations.${CLASS_ANNOTATION}`, annotated, text));
    }
  }
  return causes;
}

function checkHost(host: string, field: string): FieldCause[] {
  return checkName(host, field, host.includes('*') ? wildcardDns1123SubdomainErrors : dns1123SubdomainErrors);
}

function validateRule(rule: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const host = textIn(rule, 'host');
  if (host !== '') {
    if (parseIp(host) !== undefined)
      causes.push(invalid(`${field}.host`, host, 'must be a DNS name, not an IP address'));
    else causes.push(...checkHost(host, `${field}.host`));
  }
  if (!isJsonObject(rule.http)) return causes;
  const paths = objectsIn(rule.http, 'paths');
  if (paths.length === 0) causes.push(required(`${field}.http.paths`));
  for (const [index, path] of paths.entries()) causes.push(...validatePath(path, `${field}.http.paths[${index}]`));
  return causes;
}

function validatePath(route: JsonObject, field: string): FieldCause[] {
  if (route.pathType === undefined || route.pathType === null)
    return [required(`${field}.pathType`, 'pathType must be specified')];
  const causes: FieldCause[] = [];
  const path = textIn(route, 'path');
  const bad = (text: string): unknown => causes.push(invalid(`${field}.path`, path, text));
  switch (route.pathType) {
    case 'Exact':
    case 'Prefix':
      if (!path.startsWith('/')) bad('must be an absolute path');
      if (path === '') break;
      for (const sequence of BAD_SEQUENCES) if (path.includes(sequence)) bad(`must not contain '${sequence}'`);
      for (const ending of BAD_ENDINGS) if (path.endsWith(ending)) bad(`cannot end with '${ending}'`);
      break;
    case 'ImplementationSpecific':
      if (path !== '' && !path.startsWith('/')) bad('must be an absolute path');
      break;
    default:
      causes.push(notSupported(`${field}.pathType`, route.pathType, ['Exact', 'ImplementationSpecific', 'Prefix']));
  }
  causes.push(...validateBackend(objectIn(route, 'backend'), `${field}.backend`));
  return causes;
}

function validateBackend(backend: JsonObject, field: string): FieldCause[] {
  const { service, resource } = backend;
  if (isJsonObject(resource)) {
    if (isJsonObject(service)) return [invalid(field, '', 'cannot set both resource and service backends')];
    const causes: FieldCause[] = [];
    if (typeof resource.apiGroup === 'string') {
      causes.push(...checkDnsSubdomain(resource.apiGroup, `${field}.resource.apiGroup`));
    }
    if (textIn(resource, 'kind') === '') causes.push(required(`${field}.resource.kind`));
    if (textIn(resource, 'name') === '') causes.push(required(`${field}.resource.name`));
    return causes;
  }
  if (!isJsonObject(service)) return [invalid(field, '', 'resource or service backend is required')];
  const name = textIn(service, 'name');
  const causes =
    name === '' ? [required(`${field}.service.name`)] : checkName(name, `${field}.service.name`, dns1035LabelErrors);
  const port = objectIn(service, 'port');
  const portName = textIn(port, 'name');
  const hasNumber = typeof port.number === 'number' && port.number !== 0;
  if (portName !== '' && hasNumber) causes.push(invalid(field, '', 'cannot set both port name & port number'));
  else if (portName !== '') causes.push(...checkName(portName, `${field}.service.port.name`, portNameErrors));
  else if (hasNumber) causes.push(...checkPort(port.number, `${field}.service.port.number`));
  else causes.push(required(field, 'port name or number is required'));
  return causes;
}

/** Checks an IngressClass; its controller cannot be changed. */
export function validateIngressClass(ingressClass: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const spec = objectIn(ingressClass, 'spec');
  const causes: FieldCause[] = [];
  const controller = textIn(spec, 'controller');
  if (old !== undefined)
    causes.push(...checkImmutable(controller, textIn(objectIn(old, 'spec'), 'controller'), 'spec.controller'));
  else {
    if (controller.length > CONTROLLER_MAX_BYTES) causes.push(tooLong('spec.controller', CONTROLLER_MAX_BYTES));
    causes.push(...checkDomainPath(controller, 'spec.controller'));
  }
  if (!isJsonObject(spec.parameters)) return causes;
  const { parameters } = spec;
  const field = 'spec.parameters';
  const { apiGroup, namespace } = parameters;
  if (typeof apiGroup === 'string') causes.push(...checkDnsSubdomain(apiGroup, `${field}.apiGroup`));
  for (const name of ['kind', 'name']) {
    if (textIn(parameters, name) === '') causes.push(required(`${field}.${name}`));
  }
  causes.push(...checkGivenChoice(parameters.scope, `${field}.scope`, ['Cluster', 'Namespace']));
  if (parameters.scope === 'Namespace' && namespace === undefined) {
    causes.push(required(`${field}.namespace`, "`parameters.scope` is set to 'Namespace'"));
  } else if (parameters.scope === 'Namespace') {
    causes.push(...checkDnsLabel(textIn(parameters, 'namespace'), `${field}.namespace`));
  } else if (parameters.scope === 'Cluster' && parameters.namespace !== undefined) {
    causes.push(forbidden(`${field}.namespace`, "`parameters.scope` is set to 'Cluster'"));
  }
  return causes;
}
