import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The Envoy binary: the one that ENVOY names, else the one in PATH. Absent: neither is there. */
export function findEnvoy(): string | undefined {
  const named = process.env.ENVOY;
  if (named !== undefined && named !== '') {
    accessSync(named, constants.X_OK);
    return named;
  }
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    try {
      accessSync(join(folder, 'envoy'), constants.X_OK);
      return join(folder, 'envoy');
    } catch {
      // The next folder.
    }
  }
  return undefined;
}
