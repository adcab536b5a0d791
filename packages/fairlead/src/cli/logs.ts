import { pods } from '@fairlead/api';
import { type ApiClient, resourcePath, withQuery } from '@fairlead/client';
import type { Print } from './apply.ts';

/** What `fairlead logs` was asked for. */
export interface LogsOptions {
  readonly pod: string;
  readonly namespace?: string;
  /** Default: the only container, or the server's choice. */
  readonly container?: string;
  readonly tailLines?: number;
  readonly previous?: boolean;
  readonly timestamps?: boolean;
  /** Only what was written in the last so many seconds. */
  readonly sinceSeconds?: number;
  /** Go on until the container ends or the signal fires. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

/** `fairlead logs POD`: what the container has written; with `follow` also what it goes on to write. */
export async function logsCommand(client: ApiClient, options: LogsOptions, print: Print): Promise<void> {
  const target = { namespace: options.namespace ?? 'default', name: options.pod, subresource: 'log' };
  const path = withQuery(resourcePath(pods, target), {
    container: options.container,
    tailLines: options.tailLines,
    sinceSeconds: options.sinceSeconds,
    previous: options.previous,
    timestamps: options.timestamps,
    follow: options.follow,
  });
  const decoder = new TextDecoder();
  let pending = '';
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  for await (const chunk of client.stream(path, signal)) {
    const lines = (pending + decoder.decode(chunk, { stream: true })).split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) print(line);
  }
  if (pending !== '') print(pending);
}
