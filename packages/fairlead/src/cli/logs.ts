import { pods } from '@fairlead/api';
import { type ApiClient, resourcePath, withQuery } from '@fairlead/client';
import type { Print } from './apply.ts';

export interface LogsOptions {
  readonly pod: string;
  readonly namespace?: string;
  /** Default: the only container, or the server's choice. */
  readonly container?: string;
  readonly tailLines?: number;
  readonly previous?: boolean;
  readonly timestamps?: boolean;
}

/** `fairlead logs POD`: what the container has written so far. */
export async function logsCommand(client: ApiClient, options: LogsOptions, print: Print): Promise<void> {
  const target = { namespace: options.namespace ?? 'default', name: options.pod, subresource: 'log' };
  const path = withQuery(resourcePath(pods, target), {
    container: options.container,
    tailLines: options.tailLines,
    previous: options.previous,
    timestamps: options.timestamps,
  });
  const text = await client.request('GET', path, undefined, { accept: 'text/plain, */*' });
  if (text === undefined) return;
  // A log that happens to be one JSON value arrives parsed.
  print((typeof text === 'string' ? text : JSON.stringify(text)).replace(/\n$/, ''));
}
