import { pods, services } from '@fairlead/api';
import { type ApiClient, startInformer } from '@fairlead/client';
import type { Clock, Random } from '../../sys/clock.ts';
import { UsageError } from '../usage-error.ts';
import { isWanted, readKinds, type TapFilter } from './tap-filter.ts';
import { TapNames } from './tap-names.ts';
import { readTapLine, TAP_KINDS } from './tap-row.ts';
import { listenToSockets, type TapSocketsOptions } from './tap-sockets.ts';
import { tapJson, tapText } from './tap-text.ts';

/** What `fairlead tap` was asked for. */
export interface TapOptions {
  readonly places: TapSocketsOptions['places'];
  /** Of `service` and `pod` that name none. */
  readonly namespace: string;
  /** `request,query,connection`; absent: all. */
  readonly kinds?: string;
  /** `NAMESPACE/NAME` or `NAME`. */
  readonly service?: string;
  /** `NAMESPACE/NAME` or `NAME`. */
  readonly pod?: string;
  readonly host?: string;
  /** How the target of a request begins. */
  readonly path?: string;
  /** Ends after so many lines; absent: never. */
  readonly lines?: number;
  readonly output?: 'json';
}

/** Where lines go, and what says how it stands. */
export interface TapSurroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly print: (line: string) => void;
  readonly printError: (line: string) => void;
}

/**
 * `fairlead tap`: prints what passes through the data planes of this machine, as it passes, until the signal.
 * @throws UsageError for options that make no sense, and where nobody tells anything.
 */
export async function tapCommand(
  client: ApiClient,
  options: TapOptions,
  around: TapSurroundings,
  signal: AbortSignal,
): Promise<void> {
  const filter = filterOf(options);
  if (options.lines !== undefined && !(Number.isInteger(options.lines) && options.lines > 0)) {
    throw new UsageError('--lines: must be a whole number above 0');
  }
  const over = new AbortController();
  const ends = AbortSignal.any([signal, over.signal]);
  const names = new TapNames();
  const stopNames = await watchNames(client, names, around);
  const format = options.output === 'json' ? tapJson : tapText;
  let left = options.lines ?? Infinity;
  const take = (line: string): void => {
    const row = readTapLine(line);
    if (row.kind === 'dropped') {
      around.printError(`${row.dropped} more, or many, had no room`);
      return;
    }
    if (left <= 0 || !isWanted(row, filter, names)) return;
    around.print(format(row, names));
    if (--left <= 0) over.abort();
  };
  try {
    await listenToSockets(
      {
        places: options.places,
        clock: around.clock,
        onLine: take,
        onChange: (role, isListening) => {
          if (!ends.aborted) around.printError(isListening ? `listening to ${role}` : `${role} has ended`);
        },
      },
      ends,
    );
  } finally {
    stopNames();
  }
}

/** Keeps the names in step with the API. */
async function watchNames(client: ApiClient, names: TapNames, { clock, random }: TapSurroundings): Promise<() => void> {
  const around = { clock, random, log() {} };
  const podInformer = startInformer(client, pods, {}, around);
  const serviceInformer = startInformer(client, services, {}, around);
  podInformer.subscribe(() => names.setPods([...podInformer.values()]));
  serviceInformer.subscribe(() => names.setServices([...serviceInformer.values()]));
  await Promise.all([podInformer.synced, serviceInformer.synced]);
  return () => {
    podInformer.stop();
    serviceInformer.stop();
  };
}

function filterOf({ kinds: text, service, pod, host, path, namespace }: TapOptions): TapFilter {
  const kinds = text === undefined ? TAP_KINDS : readKinds(text);
  if (kinds === undefined) throw new UsageError(`--kind ${text}: must be some of ${TAP_KINDS.join(', ')}`);
  const full = (name: string): string => (name.includes('/') ? name : `${namespace}/${name}`);
  return {
    kinds,
    ...(service === undefined ? {} : { service: full(service) }),
    ...(pod === undefined ? {} : { pod: full(pod) }),
    ...(host === undefined ? {} : { host: host.toLowerCase().replace(/\.$/, '') }),
    ...(path === undefined ? {} : { path }),
  };
}
