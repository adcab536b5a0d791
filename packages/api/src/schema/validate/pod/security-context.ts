import { isJsonNumber } from '../../../json-number.ts';
import { duplicate, type FieldCause, forbidden, invalid, notSupported, required, tooLong } from '../../field-cause.ts';
import { type JsonObject, objectIn, objectsIn, textIn } from '../fields.ts';
import { goSeccompProfile, goSecurityContext } from './go-names.ts';
import { checkDescendingPath } from './paths.ts';
import { givenObject } from './pod-context.ts';
import { validateWindowsOptions } from './windows.ts';

const ID_MAX = 2_147_483_647;
const PROFILE_TYPES = ['Localhost', 'RuntimeDefault', 'Unconfined'];
const PROFILE_NAME_MAX = 4095;
const SYSCTL_MAX = 253;
const SYSCTL_SEGMENT = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const SYSCTL_PATTERN = `^(${SYSCTL_SEGMENT}[\\./])*${SYSCTL_SEGMENT}$`;
const SYSCTL_RE = new RegExp(SYSCTL_PATTERN);
const IPC_SYSCTLS = new Set([
  'kernel.sem',
  ...['shmall', 'shmmax', 'shmmni', 'shm_rmid_forced', 'shm'].map((name) => `kernel.${name}`),
  ...['msgmax', 'msgmnb', 'msgmni', 'msg'].map((name) => `kernel.${name}`),
]);

function checkId(holder: JsonObject, name: string, field: string): FieldCause[] {
  return checkIdValue(holder[name], `${field}.${name}`);
}

/** Checks the number of a user or group. */
export function checkIdValue(id: unknown, field: string): FieldCause[] {
  if (!isJsonNumber(id) || (id >= 0 && id <= ID_MAX)) return [];
  return [invalid(field, id, `must be between 0 and ${ID_MAX}, inclusive`)];
}

/** Checks the security context of a Pod spec. */
export function validatePodSecurityContext(spec: JsonObject, field: string): FieldCause[] {
  const context = givenObject(spec, 'securityContext');
  if (context === undefined) return [];
  const causes = ['fsGroup', 'runAsUser', 'runAsGroup'].flatMap((name) => checkId(context, name, field));
  const groups = Array.isArray(context.supplementalGroups) ? (context.supplementalGroups as unknown[]) : [];
  for (const [index, id] of groups.entries()) causes.push(...checkIdValue(id, `${field}.supplementalGroups[${index}]`));
  if (spec.shareProcessNamespace === true && spec.hostPID === true) {
    const text = 'ShareProcessNamespace and HostPID cannot both be enabled';
    causes.push(invalid(`${field}.shareProcessNamespace`, true, text));
  }
  causes.push(...validateSysctls(context, spec, `${field}.sysctls`));
  causes.push(...checkOneOf(context, 'fsGroupChangePolicy', ['Always', 'OnRootMismatch'], field));
  causes.push(...validateSeccompProfile(context, field));
  causes.push(...validateWindowsOptions(context, field));
  causes.push(...validateAppArmorProfile(context, field));
  causes.push(...checkOneOf(context, 'supplementalGroupsPolicy', ['Merge', 'Strict'], field));
  // Mounting with a label of one's own is behind a gate that is closed in 1.34.
  return [...causes, ...checkOneOf(context, 'seLinuxChangePolicy', ['Recursive'], field)];
}

function checkOneOf(holder: JsonObject, name: string, choices: readonly string[], field: string): FieldCause[] {
  const value = holder[name];
  if (value === undefined || choices.includes(String(value))) return [];
  return [notSupported(`${field}.${name}`, value, choices)];
}

/** Checks the security context of a container; `hostUsers` tells whether the Pod has the node's user namespace. */
export function validateSecurityContext(container: JsonObject, hostUsers: boolean, field: string): FieldCause[] {
  const context = givenObject(container, 'securityContext');
  if (context === undefined) return [];
  const causes: FieldCause[] = [];
  causes.push(...checkId(context, 'runAsUser', field), ...checkId(context, 'runAsGroup', field));
  const { procMount } = context;
  causes.push(...checkOneOf(context, 'procMount', ['Default', 'Unmasked'], field));
  if (hostUsers && procMount === 'Unmasked') {
    causes.push(invalid(`${field}.procMount`, procMount, '`hostUsers` must be false to use `Unmasked`'));
  }
  causes.push(...validateSeccompProfile(context, field));
  if (context.allowPrivilegeEscalation === false) {
    const shown = goSecurityContext(context);
    if (context.privileged === true) {
      causes.push(invalid(field, shown, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'));
    }
    const added = objectIn(context, 'capabilities').add;
    for (const capability of Array.isArray(added) ? (added as unknown[]) : []) {
      if (capability !== 'CAP_SYS_ADMIN') continue;
      const text = 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN';
      causes.push(invalid(field, shown, text));
    }
  }
  return [...causes, ...validateWindowsOptions(context, field), ...validateAppArmorProfile(context, field)];
}

/** Checks `seccompProfile` of a security context at `field`. */
function validateSeccompProfile(context: JsonObject, field: string): FieldCause[] {
  const profile = givenObject(context, 'seccompProfile');
  if (profile === undefined) return [];
  const place = `${field}.seccompProfile`;
  const type = textIn(profile, 'type');
  const causes: FieldCause[] = [];
  if (type === '') causes.push(required(`${place}.type`, 'type is required when seccompProfile is set'));
  else if (!PROFILE_TYPES.includes(type)) causes.push(notSupported(`${place}.type`, type, PROFILE_TYPES));
  const name = profile.localhostProfile;
  if (type !== 'Localhost') {
    if (name === undefined) return causes;
    const text = 'can only be set when seccomp type is Localhost';
    return [...causes, invalid(`${place}.localhostProfile`, goSeccompProfile(profile), text)];
  }
  if (name === undefined) {
    return [...causes, required(`${place}.localhostProfile`, 'must be set when seccomp type is Localhost')];
  }
  return [...causes, ...checkDescendingPath(String(name), `${place}.localhostProfile`)];
}

/** Checks `appArmorProfile` of a security context at `field`. */
function validateAppArmorProfile(context: JsonObject, field: string): FieldCause[] {
  const profile = givenObject(context, 'appArmorProfile');
  if (profile === undefined) return [];
  const place = `${field}.appArmorProfile`;
  const nameField = `${place}.localhostProfile`;
  const name = profile.localhostProfile;
  const type = textIn(profile, 'type');
  switch (type) {
    case 'Localhost': {
      const missing = required(nameField, 'must be set when AppArmor type is Localhost');
      if (typeof name !== 'string') return [missing];
      const causes: FieldCause[] = [];
      if (name.trim() !== name) causes.push(invalid(nameField, name, 'must not be padded with whitespace'));
      else if (name === '') causes.push(missing);
      if (name.length > PROFILE_NAME_MAX) causes.push(tooLong(nameField, PROFILE_NAME_MAX));
      return causes;
    }
    case 'RuntimeDefault':
    case 'Unconfined':
      return name === undefined ? [] : [invalid(nameField, name, 'can only be set when AppArmor type is Localhost')];
    case '':
      return [required(`${place}.type`, 'type is required when appArmorProfile is set')];
    default:
      return [notSupported(`${place}.type`, type, PROFILE_TYPES)];
  }
}

function validateSysctls(context: JsonObject, spec: JsonObject, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  const names = new Set<string>();
  for (const [index, sysctl] of objectsIn(context, 'sysctls').entries()) {
    const place = `${field}[${index}].name`;
    const name = textIn(sysctl, 'name');
    if (name === '') causes.push(required(place));
    else if (name.length > SYSCTL_MAX || !SYSCTL_RE.test(name)) {
      causes.push(invalid(place, name, `must have at most ${SYSCTL_MAX} characters and match regex ${SYSCTL_PATTERN}`));
    } else if (names.has(name)) causes.push(duplicate(place, name));
    names.add(name);
    const dotted = normalSysctl(name).split('*', 1)[0]!;
    if (spec.hostNetwork === true && dotted.startsWith('net.')) {
      causes.push(invalid(place, name, "may not be specified when 'hostNetwork' is true"));
    } else if (spec.hostIPC === true && (IPC_SYSCTLS.has(dotted) || dotted.startsWith('fs.mqueue.'))) {
      causes.push(invalid(place, name, "may not be specified when 'hostIPC' is true"));
    }
  }
  return causes;
}

/** With dots between the parts; where a slash comes first, dots and slashes have changed places (sysctl.d(5)). */
function normalSysctl(name: string): string {
  const separator = /[./]/.exec(name)?.[0];
  if (separator !== '/') return name;
  return name.replace(/[./]/g, (mark) => (mark === '/' ? '.' : '/'));
}

/** Checks that a Pod with users of its own shares no other namespace with the node. */
export function validateHostUsers(spec: JsonObject, field: string): FieldCause[] {
  if (spec.hostUsers !== false) return [];
  const text = 'when `hostUsers` is false';
  const causes: FieldCause[] = [];
  if (spec.hostNetwork === true) causes.push(forbidden(`${field}.hostNetwork`, text));
  if (spec.hostPID === true) causes.push(forbidden(`${field}.HostPID`, text));
  if (spec.hostIPC === true) causes.push(forbidden(`${field}.HostIPC`, text));
  for (const list of ['initContainers', 'containers', 'ephemeralContainers']) {
    for (const [index, container] of objectsIn(spec, list).entries()) {
      if (objectsIn(container, 'volumeDevices').length > 0) {
        causes.push(forbidden(`${field}.${list}[${index}].volumeDevices`, text));
      }
    }
  }
  return causes;
}

/** What a container asks a profile to be; used where annotations say the same in an older way. */
export function profileOf(holder: JsonObject, name: 'seccompProfile' | 'appArmorProfile'): JsonObject | undefined {
  return givenObject(objectIn(holder, 'securityContext'), name);
}
