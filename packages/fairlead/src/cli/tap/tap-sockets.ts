import { readdirSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Clock } from '../../sys/clock.ts';
import { nodeHttp } from '../../sys/node-http.ts';
import { UsageError } from '../usage-error.ts';

/** Pause between two looks for roles that were started, or started again. */
const lookMs = 500;

/** Where to listen, and who takes what comes. */
export interface TapSocketsOptions {
  /** Files of sockets, or a folder where the roles of a system have theirs. */
  readonly places: readonly string[] | { readonly folder: string };
  readonly clock: Clock;
  /** One line of one role. */
  readonly onLine: (line: string) => void;
  /** A role begins to tell, or has ended: its name, as `gateway` or `agent-NODE`. */
  readonly onChange: (role: string, isListening: boolean) => void;
}

/**
 * Listens to all roles of a system until the signal, also to those that come or come back later.
 * @throws UsageError when there is none, or none that this user may listen to.
 */
export async function listenToSockets(options: TapSocketsOptions, signal: AbortSignal): Promise<void> {
  const { places, clock } = options;
  const open = new Set<string>();
  const refused = new Map<string, Error>();
  const listen = (file: string): Promise<void> => {
    open.add(file);
    return listenTo(file, options, signal)
      .catch((error: Error) => void refused.set(file, error))
      .finally(() => open.delete(file));
  };
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    const files = 'folder' in places ? socketsOf(places.folder) : places;
    const started = files.filter((file) => !open.has(file)).map((file) => ({ file, over: listen(file) }));
    if (isFirst) {
      // What refuses does so at once; what listens stays.
      await Promise.race([Promise.all(started.map(({ over }) => over)), clock.sleep(lookMs, signal)]).catch(() => {});
      if (open.size === 0 && !signal.aborted) throw nobody(places, refused);
    }
    await clock.sleep(lookMs, signal).catch(() => {});
  }
}

function socketsOf(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.sock'))
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function nobody(places: TapSocketsOptions['places'], refused: ReadonlyMap<string, Error>): UsageError {
  const [first] = refused;
  if (first !== undefined) return new UsageError(`nobody tells at ${first[0]}: ${first[1].message}`);
  const folder = 'folder' in places ? places.folder : '';
  return new UsageError(
    `nothing to listen to in ${folder}: \`fairlead up\` makes it; --data-dir or --socket names another`,
  );
}

/** Hands out the lines of one role; resolves when it ends. */
async function listenTo(file: string, options: TapSocketsOptions, signal: AbortSignal): Promise<void> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    nodeHttp.get({ socketPath: file, path: '/tap', signal }, resolve).on('error', reject);
  });
  if (response.statusCode !== 200) {
    response.resume();
    throw new Error(`answered ${response.statusCode}`);
  }
  const role = basename(file, '.sock');
  options.onChange(role, true);
  try {
    for await (const line of createInterface({ input: response })) if (line !== '') options.onLine(line);
  } catch {
    // The role was killed, or the signal came: the same end.
  } finally {
    options.onChange(role, false);
  }
}
