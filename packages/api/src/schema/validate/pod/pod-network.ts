import { dns1123SubdomainErrors, searchDomainErrors } from '../../../names.ts';
import { type FieldCause, invalid, required } from '../../field-cause.ts';
import { checkLegacyIp } from '../addresses.ts';
import { checkName, type JsonObject, objectsIn, stringsIn, textIn } from '../fields.ts';
import { givenObject } from './pod-context.ts';

const NAMESERVERS_MAX = 3;
const SEARCHES_MAX = 32;
const SEARCHES_MAX_CHARS = 2048;

/** Checks what a Pod says about its resolver. */
export function validateDnsConfig(spec: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const config = givenObject(spec, 'dnsConfig');
  const servers = config === undefined ? [] : stringsIn(config, 'nameservers');
  if (spec.dnsPolicy === 'None') {
    if (config === undefined) return [required(field, 'must provide `dnsConfig` when `dnsPolicy` is None')];
    if (servers.length === 0) {
      const text = 'must provide at least one DNS nameserver when `dnsPolicy` is None';
      return [required(`${field}.nameservers`, text)];
    }
  }
  if (config === undefined) return [];
  if (servers.length > NAMESERVERS_MAX) {
    causes.push(invalid(`${field}.nameservers`, servers, `must not have more than ${NAMESERVERS_MAX} nameservers`));
  }
  for (const [index, server] of servers.entries()) {
    causes.push(...checkLegacyIp(server, `${field}.nameservers[${index}]`));
  }
  const searches = stringsIn(config, 'searches');
  if (searches.length > SEARCHES_MAX) {
    causes.push(invalid(`${field}.searches`, searches, `must not have more than ${SEARCHES_MAX} search paths`));
  }
  if (searches.join(' ').length > SEARCHES_MAX_CHARS) {
    const text = `must not have more than ${SEARCHES_MAX_CHARS} characters (including spaces) in the search list`;
    causes.push(invalid(`${field}.searches`, searches, text));
  }
  for (const [index, search] of searches.entries()) {
    if (search === '.') continue;
    causes.push(...checkName(search.replace(/\.$/, ''), `${field}.searches[${index}]`, searchDomainErrors));
  }
  for (const [index, option] of objectsIn(config, 'options').entries()) {
    if (textIn(option, 'name') === '') causes.push(required(`${field}.options[${index}]`, 'must not be empty'));
  }
  return causes;
}

/** Checks the lines that a Pod adds to its hosts file. */
export function validateHostAliases(spec: JsonObject, field: string): FieldCause[] {
  return objectsIn(spec, 'hostAliases').flatMap((alias, index) => [
    ...checkLegacyIp(textIn(alias, 'ip'), `${field}[${index}].ip`),
    ...stringsIn(alias, 'hostnames').flatMap((host, at) =>
      checkName(host, `${field}[${index}].hostnames[${at}]`, dns1123SubdomainErrors),
    ),
  ]);
}

/** On the node's network a container's ports are the node's; a template may leave that to its Pods. */
export function validateHostNetworkPorts(spec: JsonObject, field: string, ofPod: boolean): FieldCause[] {
  if (spec.hostNetwork !== true) return [];
  return objectsIn(spec, 'containers').flatMap((container, index) =>
    objectsIn(container, 'ports').flatMap((port, at) => {
      const own = port.containerPort ?? 0;
      const host = port.hostPort ?? 0;
      if (host === own || (!ofPod && host === 0)) return [];
      const place = `${field}.containers[${index}].ports[${at}].hostPort`;
      return [invalid(place, host, 'must match `containerPort` when `hostNetwork` is true')];
    }),
  );
}
