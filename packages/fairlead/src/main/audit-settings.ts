import { resolve } from 'node:path';
import type { Setting, SettingReader } from './settings.ts';

/** Where API requests are written, as configured. */
export interface AuditSettings {
  readonly file: string;
  /** An `audit.k8s.io/v1` Policy; absent: level Metadata for everything. */
  readonly policyFile?: string;
  /** Megabytes before a new file is begun. */
  readonly maxSizeMb: number | 'unlimited';
  /** Files put aside that are kept. */
  readonly backups: number | 'all';
  /** Days that files put aside are kept. */
  readonly maxAgeDays: number | 'unlimited';
}

const defaultMaxSizeMb = 100;

/** Settings of the audit log, named as those of a Kubernetes server where it has them. */
export const auditSettings: readonly Setting[] = [
  { name: 'audit-log', value: 'FILE', description: 'one JSON line per API request (default: none)' },
  { name: 'audit-policy-file', value: 'FILE', description: 'which requests, and how much of them (default: Metadata)' },
  { name: 'audit-log-maxsize', value: 'MB', description: "a new file from this size on (default 100; 'unlimited')" },
  { name: 'audit-log-maxbackup', value: 'N', description: "old files kept (default 'all')" },
  { name: 'audit-log-maxage', value: 'DAYS', description: "how long old files are kept (default 'unlimited')" },
];

/** Reads them; `undefined` without `--audit-log`. */
export function readAuditSettings(reader: SettingReader): AuditSettings | undefined {
  const file = reader.text('audit-log');
  const policyFile = reader.text('audit-policy-file');
  const number = <T extends string>(name: string, word: T, fallback: number | T): number | T =>
    reader.text(name) === word ? word : reader.text(name) === undefined ? fallback : reader.integer(name, 1, 1, 1e6);
  const maxSizeMb = number('audit-log-maxsize', 'unlimited', defaultMaxSizeMb);
  const backups = number('audit-log-maxbackup', 'all', 'all');
  const maxAgeDays = number('audit-log-maxage', 'unlimited', 'unlimited');
  if (file === undefined) {
    for (const { name } of auditSettings.slice(1)) {
      if (reader.text(name) !== undefined) reader.problems.push(`--${name} needs --audit-log`);
    }
    return undefined;
  }
  const policy = policyFile === undefined ? {} : { policyFile: resolve(policyFile) };
  return { file: resolve(file), ...policy, maxSizeMb, backups, maxAgeDays };
}

/** The same settings on the command line of a child. */
export function auditArguments(audit: AuditSettings | undefined): string[] {
  if (audit === undefined) return [];
  return [
    '--audit-log',
    audit.file,
    ...(audit.policyFile === undefined ? [] : ['--audit-policy-file', audit.policyFile]),
    '--audit-log-maxsize',
    String(audit.maxSizeMb),
    '--audit-log-maxbackup',
    String(audit.backups),
    '--audit-log-maxage',
    String(audit.maxAgeDays),
  ];
}
