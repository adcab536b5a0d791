import { cidrContains, formatCidr } from '../../ip.ts';
import { isJsonObject } from '../../own-property.ts';
import { type FieldCause, forbidden, invalid, notSupported, required } from '../field-cause.ts';
import { checkLegacyCidr, legacyCidr } from './addresses.ts';
import { checkPort, checkPortOrName, type JsonObject, objectIn, objectsIn, stringsIn } from './fields.ts';
import { validateLabelSelector } from './label-selector.ts';

const TYPES = ['Ingress', 'Egress'];
const PROTOCOLS = ['TCP', 'UDP', 'SCTP'];

/** Checks a NetworkPolicy: selectors, peers, ports and types. */
export function validateNetworkPolicy(policy: JsonObject): FieldCause[] {
  const spec = objectIn(policy, 'spec');
  const causes = validateLabelSelector(objectIn(spec, 'podSelector'), 'spec.podSelector');
  for (const [direction, peers] of [
    ['ingress', 'from'],
    ['egress', 'to'],
  ] as const) {
    for (const [index, rule] of objectsIn(spec, direction).entries()) {
      const field = `spec.${direction}[${index}]`;
      for (const [place, port] of objectsIn(rule, 'ports').entries()) {
        causes.push(...validatePort(port, `${field}.ports[${place}]`));
      }
      for (const [place, peer] of objectsIn(rule, peers).entries()) {
        causes.push(...validatePeer(peer, `${field}.${peers}[${place}]`));
      }
    }
  }
  const types = stringsIn(spec, 'policyTypes');
  if (types.length > TYPES.length) {
    causes.push(invalid('spec.policyTypes', types, 'may not specify more than two policyTypes'));
    return causes;
  }
  for (const [index, type] of types.entries()) {
    if (!TYPES.includes(type)) causes.push(notSupported(`spec.policyTypes[${index}]`, type, TYPES));
  }
  return causes;
}

function validatePort(port: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const { protocol, port: number, endPort } = port;
  if (protocol !== undefined && !PROTOCOLS.includes(String(protocol))) {
    causes.push(notSupported(`${field}.protocol`, protocol, PROTOCOLS));
  }
  if (number === undefined) {
    if (endPort !== undefined) {
      causes.push(invalid(`${field}.endPort`, endPort, 'may not be specified when `port` is not specified'));
    }
    return causes;
  }
  if (typeof number !== 'number') {
    if (endPort !== undefined) {
      causes.push(invalid(`${field}.endPort`, endPort, 'may not be specified when `port` is non-numeric'));
    }
    return [...causes, ...checkPortOrName(number, `${field}.port`)];
  }
  causes.push(...checkPort(number, `${field}.port`));
  if (endPort === undefined) return causes;
  if (Number(endPort) < number) {
    causes.push(invalid(`${field}.endPort`, number, 'must be greater than or equal to `port`'));
  }
  return [...causes, ...checkPort(endPort, `${field}.endPort`)];
}

function validatePeer(peer: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  let kinds = 0;
  for (const name of ['podSelector', 'namespaceSelector']) {
    if (!isJsonObject(peer[name])) continue;
    kinds++;
    causes.push(...validateLabelSelector(objectIn(peer, name), `${field}.${name}`));
  }
  const block = peer.ipBlock;
  if (isJsonObject(block)) {
    kinds++;
    causes.push(...validateBlock(block, `${field}.ipBlock`));
  }
  if (kinds === 0) causes.push(required(field, 'must specify a peer'));
  else if (kinds > 1 && isJsonObject(block)) {
    causes.push(forbidden(field, 'may not specify both ipBlock and another peer'));
  }
  return causes;
}

function validateBlock(block: JsonObject, field: string): FieldCause[] {
  const { cidr: text } = block;
  if (typeof text !== 'string' || text === '') return [required(`${field}.cidr`)];
  const causes = checkLegacyCidr(text, `${field}.cidr`);
  const cidr = legacyCidr(text);
  for (const [index, except] of stringsIn(block, 'except').entries()) {
    const place = `${field}.except[${index}]`;
    const wrong = checkLegacyCidr(except, place);
    const inner = legacyCidr(except);
    causes.push(...wrong);
    if (inner === undefined || cidr === undefined) continue;
    const within = cidrContains(cidr, { family: inner.family, value: inner.network }) && inner.prefix > cidr.prefix;
    if (!within) causes.push(invalid(place, formatCidr(inner), 'must be a strict subset of `cidr`'));
  }
  return causes;
}
