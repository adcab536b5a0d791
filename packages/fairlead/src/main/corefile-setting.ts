import { accessSync, constants } from 'node:fs';
import { resolve } from 'node:path';
import type { Setting, SettingReader } from './settings.ts';

/** CoreDNS's configuration, for the DNS server of an agent; apart from the other settings of DNS, because `up` has it too. */
export const corefileSetting: Setting = {
  name: 'corefile',
  value: 'FILE',
  description: "takes over CoreDNS's configuration, and says what it took",
};

/** Absolute path of the Corefile; one that cannot be read is a problem. Absent: none is given. */
export function readCorefilePath(reader: SettingReader): string | undefined {
  const path = reader.text('corefile');
  if (path === undefined) return undefined;
  try {
    accessSync(path, constants.R_OK);
  } catch (error) {
    reader.problems.push(`--corefile ${path}: ${(error as Error).message}`);
  }
  return resolve(path);
}
