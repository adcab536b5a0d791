import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Container, Pod, Stored } from '@fairlead/api';
import { systemProgram } from '../commands.ts';
import { ContainerConfigError, containerEnvironment } from '../environment/container-env.ts';
import { expandVariables } from '../environment/expand.ts';
import { serviceEnvironment, visibleServices } from '../environment/service-env.ts';
import { resolveImage } from '../images.ts';
import type { ContainerCommand } from '../runtime/command.ts';
import type { ProcessSpec } from '../runtime/protocol.ts';
import { compileCacheDir } from '../runtime/runtime-client.ts';
import { podHostname } from '../sandbox/pod-files.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { containerMounts, volumeEnvironment } from '../volumes/volumes.ts';
import type { WorkerContext } from './worker-context.ts';

/** A container ready to be started, or why it cannot be. */
export type Launch =
  | {
      readonly ok: true;
      readonly spec: ProcessSpec;
      /** Port on which the program must answer before the container counts as started; none by default. */
      readonly impliedStartupPort: number | undefined;
    }
  | {
      readonly ok: false;
      readonly reason: 'ErrImageNeverPull' | 'CreateContainerConfigError';
      readonly message: string;
    };

/** The id under which the runtime knows a container attempt. */
export function processId(uid: string, container: string, attempt: number): string {
  return `${uid}/${container}/${attempt}`;
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Puts together command, environment and mounts of one container attempt. */
export async function prepareLaunch(
  context: WorkerContext,
  pod: Stored<Pod>,
  container: Container,
  attempt: number,
  sandbox: Sandbox,
): Promise<Launch> {
  const { uid, name, namespace = 'default', labels } = pod.metadata;
  const image = resolveImage(container, context.images());
  if (!image.ok) return { ok: false, reason: 'ErrImageNeverPull', message: image.message };
  const echo = image.echoVersion !== undefined;
  const ports = container.ports ?? [];
  const podDir = context.store.podDir(uid);
  const userspace = context.sandboxes.mode === 'userspace';
  const podIp = sandbox.podIps[0] ?? '';
  const base: Record<string, string> = {
    PATH: process.env.PATH ?? DEFAULT_PATH,
    HOME: process.env.HOME ?? '/',
    HOSTNAME: podHostname(pod),
    FAIRLEAD_POD_NAME: name,
    FAIRLEAD_POD_NAMESPACE: namespace,
    FAIRLEAD_POD_IP: podIp,
    FAIRLEAD_NODE_NAME: context.nodeName,
    ...(userspace ? { POD_IP: podIp, HOST: podIp, FAIRLEAD_BIND_ADDRESS: podIp } : {}),
    ...(userspace ? volumeEnvironment(pod, podDir) : {}),
    ...(echo
      ? {
          NODE_COMPILE_CACHE: compileCacheDir(context.stateDir),
          FAIRLEAD_PORTS: ports
            .map((port) => `${port.name ?? ''}:${port.containerPort}/${port.protocol ?? 'TCP'}`)
            .join(','),
          FAIRLEAD_SERVICE: labels?.['app.kubernetes.io/name'] ?? labels?.app ?? container.name,
          FAIRLEAD_VERSION: labels?.['app.kubernetes.io/version'] ?? labels?.version ?? image.echoVersion ?? '',
        }
      : {}),
  };
  try {
    const links = pod.spec?.enableServiceLinks !== false;
    const serviceEnv = serviceEnvironment(visibleServices(context.services(), namespace, links));
    const facts = { podIps: sandbox.podIps, nodeIps: context.nodeIps, nodeName: context.nodeName };
    const env = await containerEnvironment(pod, container, base, serviceEnv, facts, context.source);
    const mounts = userspace ? [] : containerMounts(pod, container, podDir, env);
    const cwd = container.workingDir ?? '/';
    const scratchDir = join(podDir, 'scratch');
    if (mounts.length > 0) mkdirSync(scratchDir, { recursive: true });
    const spec: ProcessSpec = {
      id: processId(uid, container.name, attempt),
      command: image.command.map((word) => expandVariables(word, (variable) => env[variable])),
      wrapper: context.sandboxes.wrapper(sandbox, { hostname: podHostname(pod), mounts, scratchDir, cwd }),
      env,
      cwd: existsSync(cwd) ? cwd : '/',
      logPath: context.store.logPath(namespace, name, uid, container.name, attempt),
      ...(container.stdin === true ? { stdin: true } : {}),
      ...(container.tty === true ? { tty: true } : {}),
    };
    const firstTcp = ports.find((port) => (port.protocol ?? 'TCP') === 'TCP')?.containerPort;
    const port = env.PORT === undefined ? (firstTcp ?? 8080) : Number(env.PORT);
    return { ok: true, spec, impliedStartupPort: echo ? port : undefined };
  } catch (error) {
    if (!(error instanceof ContainerConfigError)) throw error;
    return { ok: false, reason: 'CreateContainerConfigError', message: error.message };
  }
}

/** The command that runs a program beside a container's own: in its namespaces, root and environment. */
export function enterContainer(
  mode: 'kernel' | 'userspace',
  pid: number,
  spec: ProcessSpec,
  command: readonly string[],
): ContainerCommand {
  const { env, cwd } = spec;
  const [program = '', ...args] = command;
  if (mode === 'userspace') return { file: program, args, env, cwd };
  const enter = ['--target', String(pid), '--mount', '--uts', '--net', '--root', '--wd'];
  return { file: systemProgram('nsenter'), args: [...enter, '--', program, ...args], env, cwd: '/' };
}
