import { type Pod, pods } from '@fairlead/api';
import type { ApiClient } from '@fairlead/client';
import type { Print } from './apply.ts';
import { UsageError } from './usage-error.ts';

/** What `fairlead run` was asked for. */
export interface RunOptions {
  readonly name: string;
  readonly namespace?: string;
  /** `key=value`; the label `app` is the name unless given. */
  readonly labels: readonly string[];
  /** Port that the process listens on; it counts as ready once the port accepts connections. */
  readonly port?: number;
  /** Program and arguments. */
  readonly command: readonly string[];
  /** Where the process starts. */
  readonly workingDir: string;
}

/** Readiness of a local process: its port accepts connections. */
const probePeriodSeconds = 2;

/** The Pod that runs a command of this machine; its image is never looked at, because a command wins. Pure. */
export function localPod(options: RunOptions): Pod {
  const labels: Record<string, string> = { app: options.name };
  for (const label of options.labels) {
    const equals = label.indexOf('=');
    if (equals <= 0) throw new UsageError(`--label ${label}: must be KEY=VALUE`);
    labels[label.slice(0, equals)] = label.slice(equals + 1);
  }
  if (options.command.length === 0) throw new UsageError('a command is needed after --');
  const { port } = options;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: options.name, labels },
    spec: {
      containers: [
        {
          name: options.name,
          image: 'fairlead/local-process',
          command: [...options.command],
          workingDir: options.workingDir,
          ...(port === undefined
            ? {}
            : {
                ports: [{ containerPort: port }],
                readinessProbe: { tcpSocket: { port }, periodSeconds: probePeriodSeconds },
              }),
        },
      ],
    },
  };
}

/** `fairlead run NAME -- CMD...`: runs a local process as a Pod. */
export async function runCommand(client: ApiClient, options: RunOptions, print: Print): Promise<void> {
  const pod = localPod(options);
  const namespace = options.namespace ?? 'default';
  await client.create(pods, { ...pod, metadata: { ...pod.metadata, namespace } }, { fieldManager: 'fairlead-run' });
  print(`pod/${options.name} created`);
}
