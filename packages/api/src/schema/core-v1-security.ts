import type { SchemaTypes } from './schema-type.ts';

/** Security contexts of Pods and containers, with fields in the order a Kubernetes server writes them. */
export const coreV1Security: SchemaTypes = {
  'core.v1.AppArmorProfile': {
    unions: [{ discriminator: 'type', 'fields-to-discriminateBy': { localhostProfile: 'LocalhostProfile' } }],
    fields: {
      type: {
        type: 'string',
        required: true,
        zeroDefault: true,
        enum: ['Localhost', 'RuntimeDefault', 'Unconfined'],
        omit: 'never',
        tag: 1,
      },
      localhostProfile: { type: 'string', omit: 'empty', pointer: true, tag: 2 },
    },
  },
  'core.v1.Capabilities': {
    fields: {
      add: { type: 'array', items: { type: 'string', zeroDefault: true }, omit: 'empty', tag: 1, listType: 'atomic' },
      drop: { type: 'array', items: { type: 'string', zeroDefault: true }, omit: 'empty', tag: 2, listType: 'atomic' },
    },
  },
  'core.v1.PodSecurityContext': {
    fields: {
      seLinuxOptions: { type: 'object', ref: 'core.v1.SELinuxOptions', omit: 'empty', pointer: true, tag: 1 },
      windowsOptions: {
        type: 'object',
        ref: 'core.v1.WindowsSecurityContextOptions',
        omit: 'empty',
        pointer: true,
        tag: 8,
      },
      runAsUser: { type: 'integer', format: 'int64', omit: 'empty', pointer: true, tag: 2 },
      runAsGroup: { type: 'integer', format: 'int64', omit: 'empty', pointer: true, tag: 6 },
      runAsNonRoot: { type: 'boolean', omit: 'empty', pointer: true, tag: 3 },
      supplementalGroups: {
        type: 'array',
        items: { type: 'integer', format: 'int64', zeroDefault: true },
        omit: 'empty',
        tag: 4,
        listType: 'atomic',
      },
      supplementalGroupsPolicy: { type: 'string', enum: ['Merge', 'Strict'], omit: 'empty', pointer: true, tag: 12 },
      fsGroup: { type: 'integer', format: 'int64', omit: 'empty', pointer: true, tag: 5 },
      sysctls: {
        type: 'array',
        items: { type: 'object', ref: 'core.v1.Sysctl', zeroDefault: true },
        omit: 'empty',
        tag: 7,
        listType: 'atomic',
      },
      fsGroupChangePolicy: { type: 'string', enum: ['Always', 'OnRootMismatch'], omit: 'empty', pointer: true, tag: 9 },
      seccompProfile: { type: 'object', ref: 'core.v1.SeccompProfile', omit: 'empty', pointer: true, tag: 10 },
      appArmorProfile: { type: 'object', ref: 'core.v1.AppArmorProfile', omit: 'empty', pointer: true, tag: 11 },
      seLinuxChangePolicy: { type: 'string', omit: 'empty', pointer: true, tag: 13 },
    },
  },
  'core.v1.SELinuxOptions': {
    fields: {
      user: { type: 'string', omit: 'empty', tag: 1 },
      role: { type: 'string', omit: 'empty', tag: 2 },
      type: { type: 'string', omit: 'empty', tag: 3 },
      level: { type: 'string', omit: 'empty', tag: 4 },
    },
  },
  'core.v1.SeccompProfile': {
    unions: [{ discriminator: 'type', 'fields-to-discriminateBy': { localhostProfile: 'LocalhostProfile' } }],
    fields: {
      type: {
        type: 'string',
        required: true,
        zeroDefault: true,
        enum: ['Localhost', 'RuntimeDefault', 'Unconfined'],
        omit: 'never',
        tag: 1,
      },
      localhostProfile: { type: 'string', omit: 'empty', pointer: true, tag: 2 },
    },
  },
  'core.v1.SecurityContext': {
    fields: {
      capabilities: { type: 'object', ref: 'core.v1.Capabilities', omit: 'empty', pointer: true, tag: 1 },
      privileged: { type: 'boolean', omit: 'empty', pointer: true, tag: 2 },
      seLinuxOptions: { type: 'object', ref: 'core.v1.SELinuxOptions', omit: 'empty', pointer: true, tag: 3 },
      windowsOptions: {
        type: 'object',
        ref: 'core.v1.WindowsSecurityContextOptions',
        omit: 'empty',
        pointer: true,
        tag: 10,
      },
      runAsUser: { type: 'integer', format: 'int64', omit: 'empty', pointer: true, tag: 4 },
      runAsGroup: { type: 'integer', format: 'int64', omit: 'empty', pointer: true, tag: 8 },
      runAsNonRoot: { type: 'boolean', omit: 'empty', pointer: true, tag: 5 },
      readOnlyRootFilesystem: { type: 'boolean', omit: 'empty', pointer: true, tag: 6 },
      allowPrivilegeEscalation: { type: 'boolean', omit: 'empty', pointer: true, tag: 7 },
      procMount: { type: 'string', enum: ['Default', 'Unmasked'], omit: 'empty', pointer: true, tag: 9 },
      seccompProfile: { type: 'object', ref: 'core.v1.SeccompProfile', omit: 'empty', pointer: true, tag: 11 },
      appArmorProfile: { type: 'object', ref: 'core.v1.AppArmorProfile', omit: 'empty', pointer: true, tag: 12 },
    },
  },
  'core.v1.Sysctl': {
    fields: {
      name: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 1 },
      value: { type: 'string', required: true, zeroDefault: true, omit: 'never', tag: 2 },
    },
  },
  'core.v1.WindowsSecurityContextOptions': {
    fields: {
      gmsaCredentialSpecName: { type: 'string', omit: 'empty', pointer: true, tag: 1 },
      gmsaCredentialSpec: { type: 'string', omit: 'empty', pointer: true, tag: 2 },
      runAsUserName: { type: 'string', omit: 'empty', pointer: true, tag: 3 },
      hostProcess: { type: 'boolean', omit: 'empty', pointer: true, tag: 4 },
    },
  },
};
