import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../../sys/clock.ts';
import { freePorts } from '../../../../sys/testing/free-ports.ts';

/** Why tests with a real etcd cannot run here; `false` when they can. The value of `skip` in a test. */
export function etcdSkip(): string | false {
  for (const folder of [...(process.env.PATH ?? '').split(':'), '/usr/bin', '/usr/local/bin']) {
    try {
      accessSync(join(folder, 'etcd'), constants.X_OK);
      return false;
    } catch {
      // Not here; try the next folder.
    }
  }
  return 'needs etcd (Debian package etcd-server)';
}

/** Options of {@link startEtcd}. */
export interface EtcdClusterOptions {
  readonly members?: number;
  /** Further arguments of each member. */
  readonly args?: readonly string[];
  /** Also speaks TLS to clients, with these files. */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly ca: string };
}

/** A real etcd cluster on loopback, with its data in a folder of its own. */
export interface EtcdCluster {
  /** Client URLs, one per member. */
  readonly endpoints: readonly string[];
  /** The process of a member, to be stopped and continued by signals. */
  process(member: number): ChildProcess;
  /** SIGKILL; resolves when it is gone. */
  kill(member: number): Promise<void>;
  /** Starts a killed member again with its data. */
  restart(member: number): Promise<void>;
  dispose(): Promise<void>;
}

const readyDeadlineMs = 60_000;

/** Starts a cluster and waits until it serves. */
export async function startEtcd(options: EtcdClusterOptions = {}): Promise<EtcdCluster> {
  const count = options.members ?? 1;
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-etcd-'));
  const ports = await freePorts(count * 2);
  const scheme = options.tls === undefined ? 'http' : 'https';
  const clients = Array.from({ length: count }, (_, index) => `${scheme}://127.0.0.1:${ports[index]}`);
  const peers = Array.from({ length: count }, (_, index) => `http://127.0.0.1:${ports[count + index]}`);
  const cluster = peers.map((url, index) => `m${index}=${url}`).join(',');
  const children: (ChildProcess | undefined)[] = [];
  const start = (index: number): void => {
    const client = clients[index] ?? '';
    const peer = peers[index] ?? '';
    const tls =
      options.tls === undefined
        ? []
        : [
            '--cert-file',
            options.tls.certificate,
            '--key-file',
            options.tls.key,
            '--trusted-ca-file',
            options.tls.ca,
            '--client-cert-auth',
          ];
    children[index] = spawn(
      'etcd',
      [
        ['--name', `m${index}`, '--data-dir', join(folder, `m${index}`), '--logger', 'zap', '--log-level', 'error'],
        ['--listen-client-urls', client, '--advertise-client-urls', client],
        ['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
        ['--initial-cluster', cluster, '--heartbeat-interval', '50', '--election-timeout', '500'],
        // Tests look at what is answered, not at what a power cut leaves.
        ['--unsafe-no-fsync'],
        tls,
        options.args ?? [],
      ].flat(),
      { stdio: ['ignore', 'ignore', 'ignore'] },
    );
  };
  const ready = async (index: number): Promise<void> => {
    const { hostname, port } = new URL(clients[index] ?? '');
    const endMs = performance.now() + readyDeadlineMs;
    const { connect } = await import('node:net');
    for (;;) {
      const socket = connect(Number(port), hostname);
      const open = await new Promise<boolean>((resolve) => {
        socket.once('connect', () => resolve(true));
        socket.once('error', () => resolve(false));
      });
      socket.destroy();
      if (open) return;
      const child = children[index];
      if (child?.exitCode !== null) throw new Error(`etcd ended with status ${child?.exitCode}`);
      if (performance.now() > endMs) throw new Error('etcd was not ready in time');
      await systemClock.sleep(20);
    }
  };
  const kill = async (index: number): Promise<void> => {
    const child = children[index];
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  const dispose = async (): Promise<void> => {
    await Promise.all(children.map((_, index) => kill(index)));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (let index = 0; index < count; index++) start(index);
    await Promise.all(clients.map((_, index) => ready(index)));
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    endpoints: clients,
    process: (member) => children[member]!,
    kill,
    async restart(member) {
      start(member);
      await ready(member);
    },
    dispose,
  };
}
