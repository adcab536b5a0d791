import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Kernel settings that are put back. */
export interface Sysctls {
  /** Writes a setting such as `net/ipv4/ip_forward`, remembering the value it had. */
  set(name: string, value: string): void;
  /** Puts every remembered value back and forgets it. */
  restore(): void;
}

/**
 * Remembers values in `file`, so that a later process can restore what a killed one changed.
 * A setting that does not exist on this kernel is left out.
 */
export function createSysctls(file: string): Sysctls {
  let saved: Record<string, string> = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>)
    : {};
  const path = (name: string): string => `/proc/sys/${name}`;
  return {
    set(name, value) {
      if (!existsSync(path(name))) return;
      const before = readFileSync(path(name), 'utf8').trim();
      if (before === value) return;
      if (saved[name] === undefined) {
        saved[name] = before;
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, JSON.stringify(saved));
      }
      writeFileSync(path(name), value);
    },
    restore() {
      for (const [name, value] of Object.entries(saved)) {
        if (existsSync(path(name))) writeFileSync(path(name), value);
      }
      saved = {};
      rmSync(file, { force: true });
    },
  };
}
