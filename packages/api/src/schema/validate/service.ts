import { isJsonObject, jsonEqual } from '../../own-property.ts';
import { duplicate, type FieldCause, forbidden, invalid, notSupported, required } from '../field-cause.ts';
import { type AddressOptions, checkEndpointIp, checkLegacyCidr, checkLegacyIp, parseLegacyIp } from './addresses.ts';
import {
  checkChoice,
  checkDnsLabel,
  checkDnsSubdomain,
  checkGivenChoice,
  checkPort,
  checkPortOrName,
  checkQualifiedName,
  type JsonObject,
  numberIn,
  objectIn,
  objectsIn,
  PROTOCOLS,
  stringsIn,
  textIn,
} from './fields.ts';
import { validateLabels } from './metadata.ts';
import { validateClusterIps } from './service-cluster-ips.ts';

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const AFFINITY_MAX_SECONDS = 86_400;
/** Port of the node agent's own API. */
const KUBELET_PORT = 10_250;
const ONLY_LOAD_BALANCER = "may only be used when `type` is 'LoadBalancer'";

/** Checks a Service's spec. */
export function validateService(service: JsonObject, options: AddressOptions): FieldCause[] {
  const spec = objectIn(service, 'spec');
  const type = textIn(spec, 'type');
  const ports = objectsIn(spec, 'ports');
  const headless = textIn(spec, 'clusterIP') === 'None';
  const causes: FieldCause[] = [];
  if (ports.length === 0 && !headless && type !== 'ExternalName') causes.push(required('spec.ports'));
  causes.push(...validateTypeFields(spec, type, headless));
  const names = new Set<string>();
  for (const [index, port] of ports.entries()) {
    causes.push(...validatePort(port, `spec.ports[${index}]`, ports.length > 1, names));
  }
  causes.push(...validateLabels(spec.selector, 'spec.selector'));
  causes.push(...validateAffinity(spec));
  if (type !== 'ExternalName') causes.push(...validateClusterIps(spec));
  for (const [index, ip] of stringsIn(spec, 'externalIPs').entries()) {
    causes.push(...checkEndpointIp(ip, `spec.externalIPs[${index}]`, options));
  }
  causes.push(...checkChoice(spec.type, 'spec.type', TYPES));
  causes.push(...validatePortSet(ports, type));
  causes.push(...validateLoadBalancerFields(spec, type));
  causes.push(...validateTrafficPolicies(spec, type));
  return causes;
}

function validateTypeFields(spec: JsonObject, type: string, headless: boolean): FieldCause[] {
  const causes: FieldCause[] = [];
  switch (type) {
    case 'LoadBalancer':
      for (const [index, port] of objectsIn(spec, 'ports').entries()) {
        if (port.port !== KUBELET_PORT) continue;
        const text = `may not expose port ${KUBELET_PORT} externally since it is used by kubelet`;
        causes.push(invalid(`spec.ports[${index}]`, port.port, text));
      }
      if (headless)
        causes.push(invalid('spec.clusterIPs[0]', 'None', "may not be set to 'None' for LoadBalancer services"));
      break;
    case 'NodePort':
      if (headless)
        causes.push(invalid('spec.clusterIPs[0]', 'None', "may not be set to 'None' for NodePort services"));
      break;
    case 'ExternalName': {
      for (const name of ['clusterIPs', 'ipFamilies', 'ipFamilyPolicy']) {
        const value = spec[name];
        if (value !== undefined && !(Array.isArray(value) && value.length === 0)) {
          causes.push(forbidden(`spec.${name}`, 'may not be set for ExternalName services'));
        }
      }
      const target = textIn(spec, 'externalName').replace(/\.$/, '');
      causes.push(
        ...(target === '' ? [required('spec.externalName')] : checkDnsSubdomain(target, 'spec.externalName')),
      );
      break;
    }
  }
  return causes;
}

function validatePort(port: JsonObject, field: string, nameRequired: boolean, names: Set<string>): FieldCause[] {
  const causes: FieldCause[] = [];
  const name = textIn(port, 'name');
  if (name === '') {
    if (nameRequired) causes.push(required(`${field}.name`));
  } else {
    causes.push(...checkDnsLabel(name, `${field}.name`));
    if (names.has(name)) causes.push(duplicate(`${field}.name`, name));
    names.add(name);
  }
  causes.push(...checkPort(port.port, `${field}.port`));
  causes.push(...checkChoice(port.protocol, `${field}.protocol`, PROTOCOLS));
  causes.push(...checkPortOrName(port.targetPort, `${field}.targetPort`));
  if (port.appProtocol !== undefined)
    causes.push(...checkQualifiedName(textIn(port, 'appProtocol'), `${field}.appProtocol`));
  return causes;
}

function validateAffinity(spec: JsonObject): FieldCause[] {
  const causes = checkChoice(spec.sessionAffinity, 'spec.sessionAffinity', ['ClientIP', 'None']);
  const config = spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'ClientIP') {
    const field = 'spec.sessionAffinityConfig.clientIP.timeoutSeconds';
    const seconds = isJsonObject(config) ? numberIn(objectIn(config, 'clientIP'), 'timeoutSeconds') : undefined;
    if (seconds === undefined)
      causes.push(required('spec.sessionAffinityConfig', 'when session affinity type is ClientIP'));
    else if (seconds <= 0 || seconds > AFFINITY_MAX_SECONDS) {
      causes.push(invalid(field, seconds, `must be greater than 0 and less than ${AFFINITY_MAX_SECONDS}`));
    }
  } else if (spec.sessionAffinity === 'None' && config !== undefined) {
    causes.push(forbidden('spec.sessionAffinityConfig', 'must not be set when session affinity is None'));
  }
  return causes;
}

/** Rules across ports: no node port without a type for it, and nothing twice. */
function validatePortSet(ports: readonly JsonObject[], type: string): FieldCause[] {
  const causes: FieldCause[] = [];
  if (type === 'ClusterIP') {
    for (const [index, port] of ports.entries()) {
      if (!port.nodePort) continue;
      causes.push(forbidden(`spec.ports[${index}].nodePort`, "may not be used when `type` is 'ClusterIP'"));
    }
  }
  const nodePorts = new Set<string>();
  for (const [index, port] of ports.entries()) {
    if (!port.nodePort) continue;
    const key = `${textIn(port, 'protocol')}/${port.nodePort}`;
    if (nodePorts.has(key)) causes.push(duplicate(`spec.ports[${index}].nodePort`, port.nodePort));
    nodePorts.add(key);
  }
  const seen = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const key = `${textIn(port, 'protocol')}/${port.port}`;
    if (seen.has(key)) causes.push(duplicate(`spec.ports[${index}]`, portKey(port)));
    seen.add(key);
  }
  return causes;
}

/** A server names a duplicate by the Go form of a port with nothing but its protocol and number. */
function portKey({ protocol, port }: JsonObject): JsonObject {
  return { Name: '', Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 };
}

function validateLoadBalancerFields(spec: JsonObject, type: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const ranges = stringsIn(spec, 'loadBalancerSourceRanges');
  if (ranges.length > 0) {
    if (type !== 'LoadBalancer') causes.push(forbidden('spec.LoadBalancerSourceRanges', ONLY_LOAD_BALANCER));
    for (const [index, range] of ranges.entries()) {
      causes.push(...checkLegacyCidr(range, `spec.LoadBalancerSourceRanges[${index}]`));
    }
  }
  if (type !== 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== undefined) {
    causes.push(forbidden('spec.allocateLoadBalancerNodePorts', ONLY_LOAD_BALANCER));
  }
  causes.push(...validateClass(spec, type));
  return causes;
}

function validateTrafficPolicies(spec: JsonObject, type: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const externally =
    type === 'LoadBalancer' ||
    type === 'NodePort' ||
    (type === 'ClusterIP' && stringsIn(spec, 'externalIPs').length > 0);
  const external = textIn(spec, 'externalTrafficPolicy');
  if (!externally && external !== '') {
    causes.push(invalid('spec.externalTrafficPolicy', external, 'may only be set for externally-accessible services'));
  } else if (externally && external !== '') {
    causes.push(...checkChoice(external, 'spec.externalTrafficPolicy', ['Cluster', 'Local']));
  }
  const healthPort = numberIn(spec, 'healthCheckNodePort') ?? 0;
  if (healthPort !== 0) {
    const field = 'spec.healthCheckNodePort';
    const text = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    if (type !== 'LoadBalancer' || external !== 'Local') causes.push(invalid(field, healthPort, text));
    else causes.push(...checkPort(healthPort, field));
  }
  if (spec.internalTrafficPolicy !== undefined) {
    causes.push(...checkGivenChoice(spec.internalTrafficPolicy, 'spec.internalTrafficPolicy', ['Cluster', 'Local']));
  }
  const distribution = spec.trafficDistribution;
  const distributions = ['PreferClose', 'PreferSameZone', 'PreferSameNode'];
  if (distribution !== undefined && !distributions.includes(String(distribution))) {
    causes.push(notSupported('spec.trafficDistribution', distribution, distributions));
  }
  return causes;
}

/** Checks what may change in a Service: primary addresses and families stay, unless it was or becomes an ExternalName. */
export function validateServiceUpdate(service: JsonObject, old: JsonObject): FieldCause[] {
  const spec = objectIn(service, 'spec');
  const before = objectIn(old, 'spec');
  const causes: FieldCause[] = [];
  if (spec.type !== 'ExternalName' && before.type !== 'ExternalName') {
    const headless = spec.clusterIP === 'None' || before.clusterIP === 'None';
    causes.push(...validateStackChange(spec, before, 'clusterIPs', 'clusterIP'));
    if (!headless) causes.push(...validateStackChange(spec, before, 'ipFamilies', 'ipFamily'));
  }
  if (spec.type === 'LoadBalancer' && before.type === 'LoadBalancer') {
    if (!jsonEqual(spec.loadBalancerClass ?? null, before.loadBalancerClass ?? null)) {
      causes.push(invalid('spec.loadBalancerClass', spec.loadBalancerClass, 'may not change once set'));
    }
  }
  causes.push(...validateClass(spec, textIn(spec, 'type')));
  const checked = [spec, before].every((one) => one.type === 'LoadBalancer' && one.externalTrafficPolicy === 'Local');
  if (checked && (spec.healthCheckNodePort ?? 0) !== (before.healthCheckNodePort ?? 0)) {
    causes.push(forbidden('spec.healthCheckNodePort', 'field is immutable'));
  }
  return causes;
}

/** A changed Service is told twice of a class that it cannot have, as a Kubernetes server does. */
function validateClass(spec: JsonObject, type: string): FieldCause[] {
  const field = 'spec.loadBalancerClass';
  if (spec.loadBalancerClass === undefined) return [];
  if (type !== 'LoadBalancer') return [forbidden(field, ONLY_LOAD_BALANCER)];
  return checkQualifiedName(textIn(spec, 'loadBalancerClass'), field);
}

/** A second address or family may come and, with SingleStack, go; the first one never changes. */
function validateStackChange(spec: JsonObject, before: JsonObject, list: string, one: string): FieldCause[] {
  const field = `spec.${list}`;
  const now = stringsIn(spec, list);
  const old = stringsIn(before, list);
  const fixed = 'may not change once set';
  if (old.length === now.length) {
    return old.flatMap((value, index) => {
      // Of families the original always names the first.
      const place = `${field}[${list === 'ipFamilies' ? 0 : index}]`;
      return value === now[index] ? [] : [invalid(place, now, fixed)];
    });
  }
  if (now.length === 0) return [invalid(`${field}[0]`, now, `primary ${one} can not be unset`)];
  const causes = old.length > 0 && now[0] !== old[0] ? [invalid(`${field}[0]`, now, fixed)] : [];
  if (now.length < old.length && spec.ipFamilyPolicy !== 'SingleStack') {
    const text = `must be set to 'SingleStack' when releasing the secondary ${one}`;
    causes.push(invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy, text));
  }
  return causes;
}

/** Checks `status.loadBalancer` of a Service or Ingress; of the Services only a LoadBalancer may have addresses. */
export function validateLoadBalancerStatus(object: JsonObject): FieldCause[] {
  const causes: FieldCause[] = [];
  const ingresses = objectsIn(objectIn(objectIn(object, 'status'), 'loadBalancer'), 'ingress');
  const type = textIn(objectIn(object, 'spec'), 'type');
  if (ingresses.length > 0 && type !== '' && type !== 'LoadBalancer') {
    causes.push(forbidden('status.loadBalancer.ingress', "may only be used when `spec.type` is 'LoadBalancer'"));
  }
  for (const [index, ingress] of ingresses.entries()) {
    const field = `status.loadBalancer.ingress[${index}]`;
    const { ip = '', hostname = '', ipMode } = ingress;
    if (typeof ip === 'string' && ip !== '') causes.push(...checkLegacyIp(ip, `${field}.ip`));
    if (ipMode !== undefined) {
      if (ip === '') causes.push(forbidden(`${field}.ipMode`, 'may not be specified when `ip` is not set'));
      else causes.push(...checkGivenChoice(ipMode, `${field}.ipMode`, ['Proxy', 'VIP']));
    }
    if (typeof hostname === 'string' && hostname !== '') {
      causes.push(...checkDnsSubdomain(hostname, `${field}.hostname`));
      if (parseLegacyIp(hostname) !== undefined) {
        causes.push(invalid(`${field}.hostname`, hostname, 'must be a DNS name, not an IP address'));
      }
    }
  }
  return causes;
}
