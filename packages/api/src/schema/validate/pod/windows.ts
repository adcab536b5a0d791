import { dns1123SubdomainErrors } from '../../../names.ts';
import { type FieldCause, forbidden, invalid } from '../../field-cause.ts';
import { checkName, type JsonObject, objectIn, objectsIn, textIn } from '../fields.ts';
import { givenObject, placedContainers, securityContextOf } from './pod-context.ts';

const CREDENTIAL_SPEC_MAX = 64 * 1024;
const DOMAIN_MAX = 256;
const USER_MAX = 104;
const NET_BIOS_DOMAIN = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/;
const DNS_DOMAIN =
  /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/;

/** Fields of a Pod's security context, and of the Pod (with a dot before them), that Windows does not know. */
const POD_LINUX_ONLY: readonly string[] = [
  'appArmorProfile',
  'seLinuxOptions',
  '.hostUsers',
  '.hostPID',
  '.hostIPC',
  'seccompProfile',
  'fsGroup',
  'fsGroupChangePolicy',
  'sysctls',
  '.shareProcessNamespace',
  'runAsUser',
  'runAsGroup',
  'supplementalGroups',
  'supplementalGroupsPolicy',
  'seLinuxChangePolicy',
];
const CONTAINER_LINUX_ONLY: readonly string[] = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
];

/** Checks that a Pod asks for nothing that its operating system does not have. */
export function validateForSystem(spec: JsonObject, field: string): FieldCause[] {
  switch (objectIn(spec, 'os').name) {
    case 'linux':
      return forLinux(spec, field);
    case 'windows':
      return forWindows(spec, field);
    default:
      return [];
  }
}

function forLinux(spec: JsonObject, field: string): FieldCause[] {
  return [{ container: spec, field }, ...placedContainers(spec, field)]
    .filter(({ container }) => givenObject(securityContextOf(container), 'windowsOptions') !== undefined)
    .map(({ field: place }) =>
      forbidden(`${place}.securityContext.windowsOptions`, 'windows options cannot be set for a linux pod'),
    );
}

function forWindows(spec: JsonObject, field: string): FieldCause[] {
  const text = 'cannot be set for a windows pod';
  const context = securityContextOf(spec);
  const causes: FieldCause[] = [];
  for (const name of POD_LINUX_ONLY) {
    const ofPod = name.startsWith('.');
    const value = ofPod ? spec[name.slice(1)] : context[name];
    const off = value === undefined || ((name === '.hostPID' || name === '.hostIPC') && value !== true);
    if (off || (name === 'sysctls' && objectsIn(context, name).length === 0)) continue;
    causes.push(forbidden(ofPod ? `${field}${name}` : `${field}.securityContext.${name}`, text));
  }
  for (const { container, field: place } of placedContainers(spec, field)) {
    const own = securityContextOf(container);
    for (const name of CONTAINER_LINUX_ONLY) {
      if (own[name] !== undefined) causes.push(forbidden(`${place}.securityContext.${name}`, text));
    }
  }
  return causes;
}

/** Checks `windowsOptions` of a security context at `field`. */
export function validateWindowsOptions(context: JsonObject, field: string): FieldCause[] {
  const options = givenObject(context, 'windowsOptions');
  if (options === undefined) return [];
  const place = `${field}.windowsOptions`;
  const causes: FieldCause[] = [];
  const { gmsaCredentialSpecName: name, gmsaCredentialSpec: text } = options;
  if (name !== undefined) {
    causes.push(...checkName(String(name), `${place}.gmsaCredentialSpecName`, dns1123SubdomainErrors));
  }
  if (typeof text === 'string') {
    const fault =
      text === ''
        ? 'gmsaCredentialSpec cannot be an empty string'
        : text.length > CREDENTIAL_SPEC_MAX
          ? 'gmsaCredentialSpec size must be under 64 KiB'
          : undefined;
    if (fault !== undefined) causes.push(invalid(`${place}.gmsaCredentialSpec`, text, fault));
  }
  if (options.runAsUserName === undefined) return causes;
  const user = textIn(options, 'runAsUserName');
  const faults = userNameFaults(user).map((fault) => invalid(`${place}.runAsUserName`, user, fault));
  return [...causes, ...faults];
}

/** What is wrong with `user` or `DOMAIN\user`. */
function userNameFaults(name: string): string[] {
  if (name === '') return ['runAsUserName cannot be an empty string'];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (/[\u0000-\u001f\u007f]/.test(name)) return ['runAsUserName cannot contain control characters'];
  const parts = name.split('\\');
  if (parts.length > 2) return ['runAsUserName cannot contain more than one backslash'];
  const user = parts.at(-1)!;
  const domain = parts.length === 2 ? parts[0]! : undefined;
  const faults: string[] = [];
  if (domain !== undefined && domain.length >= DOMAIN_MAX) {
    faults.push(`runAsUserName's Domain length must be under ${DOMAIN_MAX} characters`);
  }
  if (domain !== undefined && !NET_BIOS_DOMAIN.test(domain) && !DNS_DOMAIN.test(domain)) {
    faults.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format");
  }
  if (user === '') faults.push("runAsUserName's User cannot be empty");
  else if (user.length > USER_MAX) {
    faults.push(`runAsUserName's User length must not be longer than ${USER_MAX} characters`);
  }
  if (/^[. ]+$/.test(user)) faults.push("runAsUserName's User cannot contain only periods or spaces");
  if (/["/\\:;|=,+*?<>@[\]]/.test(user)) {
    faults.push('runAsUserName\'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]');
  }
  return faults;
}

/** Checks that host process containers are not mixed with others, and have the node's network. */
export function validateHostProcess(spec: JsonObject, field: string): FieldCause[] {
  const wanted = objectIn(securityContextOf(spec), 'windowsOptions').hostProcess;
  const causes: FieldCause[] = [];
  const containers = placedContainers(spec, field);
  let count = 0;
  for (const { container, field: place } of containers) {
    const own = objectIn(securityContextOf(container), 'windowsOptions').hostProcess;
    if (wanted !== undefined && own !== undefined && wanted !== own) {
      const text = `pod hostProcess value must be identical if both are specified, was ${String(wanted)}`;
      causes.push(invalid(`${place}.securityContext.windowsOptions.hostProcess`, own, text));
    }
    if ((own ?? wanted) === true) count++;
  }
  if (count === 0) return causes;
  if (count !== containers.length) {
    const text = 'If pod contains any hostProcess containers then all containers must be HostProcess containers';
    causes.push(invalid(field, '', text));
  }
  if (spec.hostNetwork !== true) {
    const text = 'hostNetwork must be true if pod contains any hostProcess containers';
    causes.push(invalid(`${field}.hostNetwork`, false, text));
  }
  return causes;
}
