import { parseIp } from '../../ip.ts';
import { labelValueErrors } from '../../names.ts';
import { isJsonObject, jsonEqual } from '../../own-property.ts';
import { duplicate, type FieldCause, invalid, required, tooMany } from '../field-cause.ts';
import { type AddressOptions, checkEndpointIp, checkLegacyIp, parseLegacyIp } from './addresses.ts';
import {
  checkChoice,
  checkDnsLabel,
  checkDnsSubdomain,
  checkGivenChoice,
  checkImmutable,
  checkName,
  checkPort,
  checkQualifiedName,
  type JsonObject,
  objectsIn,
  PROTOCOLS,
  stringsIn,
  textIn,
} from './fields.ts';

const ENDPOINTS_MAX = 1000;
const PORTS_MAX = 20_000;
const ADDRESSES_MAX = 100;
const HINTS_MAX = 8;

/** Checks an EndpointSlice; endpoints that did not change are not checked again. */
export function validateEndpointSlice(
  slice: JsonObject,
  old: JsonObject | undefined,
  options: AddressOptions,
): FieldCause[] {
  const causes = checkChoice(slice.addressType, 'addressType', ['FQDN', 'IPv4', 'IPv6']);
  const endpoints = objectsIn(slice, 'endpoints');
  if (endpoints.length > ENDPOINTS_MAX) causes.push(tooMany('endpoints', endpoints.length, ENDPOINTS_MAX));
  else if (causes.length === 0 && !(old !== undefined && jsonEqual(slice.endpoints, old.endpoints))) {
    for (const [index, endpoint] of endpoints.entries()) {
      causes.push(...validateEndpoint(endpoint, `endpoints[${index}]`, textIn(slice, 'addressType'), options));
    }
  }
  causes.push(...validateSlicePorts(slice));
  if (old !== undefined) causes.push(...checkImmutable(slice.addressType, old.addressType, 'addressType'));
  return causes;
}

function validateEndpoint(
  endpoint: JsonObject,
  field: string,
  addressType: string,
  options: AddressOptions,
): FieldCause[] {
  const causes: FieldCause[] = [];
  const addresses = stringsIn(endpoint, 'addresses');
  if (addresses.length === 0) causes.push(required(`${field}.addresses`, 'must contain at least 1 address'));
  else if (addresses.length > ADDRESSES_MAX)
    causes.push(tooMany(`${field}.addresses`, addresses.length, ADDRESSES_MAX));
  for (const [index, address] of addresses.entries()) {
    causes.push(...validateAddress(address, `${field}.addresses[${index}]`, addressType, options));
  }
  if (endpoint.nodeName !== undefined)
    causes.push(...checkDnsSubdomain(textIn(endpoint, 'nodeName'), `${field}.nodeName`));
  if (endpoint.hostname !== undefined) causes.push(...checkDnsLabel(textIn(endpoint, 'hostname'), `${field}.hostname`));
  const hints = isJsonObject(endpoint.hints) ? endpoint.hints : {};
  for (const list of ['forZones', 'forNodes']) {
    const items = objectsIn(hints, list);
    if (items.length > HINTS_MAX) causes.push(tooMany(`${field}.hints.${list}`, items.length, HINTS_MAX));
    const names = items.map((item) => textIn(item, 'name'));
    for (const [index, name] of names.entries()) {
      const place = `${field}.hints.${list}[${index}].name`;
      causes.push(...(list === 'forZones' ? checkName(name, place, labelValueErrors) : checkDnsSubdomain(name, place)));
      if (names.indexOf(name) < index) causes.push(duplicate(`${field}.hints.${list}[${index}].name`, name));
    }
  }
  return causes;
}

function validateAddress(address: string, field: string, addressType: string, options: AddressOptions): FieldCause[] {
  if (addressType === 'FQDN') {
    if (address === '') return [required(field)];
    const causes = checkDnsSubdomain(address.replace(/\.$/, ''), field);
    if (causes.length === 0 && !address.replace(/\.$/, '').includes('.')) {
      causes.push(invalid(field, address, 'should be a domain with at least two segments separated by dots'));
    }
    return causes;
  }
  const ip = parseLegacyIp(address);
  if (ip === undefined) return checkLegacyIp(address, field);
  const causes = checkEndpointIp(address, field, options);
  if (`IPv${ip.family}` === addressType) return causes;
  return [invalid(field.replace(/\[\d+\]$/, ''), address, `must be an ${addressType} address`), ...causes];
}

function validateSlicePorts(slice: JsonObject): FieldCause[] {
  const ports = objectsIn(slice, 'ports');
  if (ports.length > PORTS_MAX) return [tooMany('ports', ports.length, PORTS_MAX)];
  const causes: FieldCause[] = [];
  const names = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const field = `ports[${index}]`;
    const name = textIn(port, 'name');
    if (name !== '') causes.push(...checkDnsLabel(name, `${field}.name`));
    if (names.has(name)) causes.push(duplicate(`${field}.name`, name));
    names.add(name);
    causes.push(...checkGivenChoice(port.protocol, `${field}.protocol`, PROTOCOLS));
    if (port.appProtocol !== undefined)
      causes.push(...checkQualifiedName(textIn(port, 'appProtocol'), `${field}.appProtocol`));
  }
  return causes;
}

/** Checks Endpoints. */
export function validateEndpoints(
  endpoints: JsonObject,
  old: JsonObject | undefined,
  options: AddressOptions,
): FieldCause[] {
  if (old !== undefined && jsonEqual(endpoints.subsets, old.subsets)) return [];
  const causes: FieldCause[] = [];
  for (const [index, subset] of objectsIn(endpoints, 'subsets').entries()) {
    const field = `subsets[${index}]`;
    const ready = objectsIn(subset, 'addresses');
    const notReady = objectsIn(subset, 'notReadyAddresses');
    if (ready.length + notReady.length === 0) {
      causes.push(required(field, 'must specify `addresses` or `notReadyAddresses`'));
    }
    for (const [list, addresses] of [
      ['addresses', ready],
      ['notReadyAddresses', notReady],
    ] as const) {
      for (const [at, address] of addresses.entries()) {
        const place = `${field}.${list}[${at}]`;
        const ip = textIn(address, 'ip');
        causes.push(...checkLegacyIp(ip, `${place}.ip`));
        const hostname = textIn(address, 'hostname');
        if (hostname !== '') causes.push(...checkDnsLabel(hostname, `${place}.hostname`));
        const nodeName = address.nodeName;
        if (typeof nodeName === 'string') causes.push(...checkDnsSubdomain(nodeName, `${place}.nodeName`));
        if (parseIp(ip) === undefined) causes.push(invalid(`${place}.ip`, ip, 'must be a valid IP address'));
        else causes.push(...checkEndpointIp(ip, `${place}.ip`, options));
      }
    }
    const ports = objectsIn(subset, 'ports');
    for (const [at, port] of ports.entries()) {
      const place = `${field}.ports[${at}]`;
      const name = textIn(port, 'name');
      if (name !== '') causes.push(...checkDnsLabel(name, `${place}.name`));
      else if (ports.length > 1) causes.push(required(`${place}.name`));
      causes.push(...checkPort(port.port, `${place}.port`));
      causes.push(...checkChoice(port.protocol, `${place}.protocol`, PROTOCOLS));
      if (port.appProtocol !== undefined)
        causes.push(...checkQualifiedName(textIn(port, 'appProtocol'), `${place}.appProtocol`));
    }
  }
  return causes;
}
