import { execFileSync, spawn } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CertificateAuthority } from '../packages/fairlead/src/apiserver/pki/certificate-authority.ts';
import { newTokenKey } from '../packages/fairlead/src/apiserver/pki/data-key.ts';
import { systemClock } from '../packages/fairlead/src/sys/clock.ts';
import { freePorts } from '../packages/fairlead/src/sys/testing/free-ports.ts';
import { measureReadsUnderLoad, measureWrites } from './api-load.ts';
import { becomesReady, type RunningApi, stopApi } from './api-server.ts';
import type { WriteResult } from './etcd.ts';
import { Http2Client } from './http2-clients.ts';
import { residentBytes } from './process-cpu.ts';

/** What an API server did under the same load. */
export interface ServerFigures {
  readonly name: string;
  readonly startMs: number;
  readonly writes: WriteResult;
  /** Milliseconds of single GETs beside writers. */
  readonly reads: readonly number[];
  /** Resident memory after the creates, its store included. */
  readonly memoryMb: number;
}

/** The kube-apiserver binary that `KUBE_APISERVER` names; absent: the comparison is left out. */
export function findKubeApiserver(): string | undefined {
  return process.env.KUBE_APISERVER;
}

/**
 * A kube-apiserver on an etcd of its own, under the load of ours. RBAC and the plugins of admission that it has by
 * default; etcd syncs each write, as it does by default.
 */
export async function measureKubeApiserver(binary: string, folder: string): Promise<ServerFigures> {
  const [etcdPort = 0, peerPort = 0, port = 0] = await freePorts(3);
  const pki = join(folder, 'kube-pki');
  mkdirSync(pki, { recursive: true });
  const authority = CertificateAuthority.open(pki, systemClock);
  const admin = authority.issue({ commonName: 'admin', organizations: ['system:masters'] });
  const tokenKey = newTokenKey();
  const publicKey = createPublicKey(tokenKey).export({ type: 'spki', format: 'pem' }).toString();
  const file = (name: string, text: string): string => {
    writeFileSync(join(pki, name), text, { mode: 0o600 });
    return join(pki, name);
  };
  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  const etcd = spawn(
    'etcd',
    [
      ['--name', 'bench', '--data-dir', join(folder, 'kube-etcd'), '--log-level', 'error'],
      ['--listen-client-urls', etcdUrl, '--advertise-client-urls', etcdUrl],
      [
        '--listen-peer-urls',
        peerUrl,
        '--initial-advertise-peer-urls',
        peerUrl,
        '--initial-cluster',
        `bench=${peerUrl}`,
      ],
    ].flat(),
    { stdio: 'ignore' },
  );
  const began = performance.now();
  const server = spawn(
    binary,
    [
      ['--etcd-servers', etcdUrl, '--bind-address', '127.0.0.1', '--secure-port', String(port), '--cert-dir', pki],
      [
        '--advertise-address',
        '127.0.0.2',
        '--endpoint-reconciler-type',
        'none',
        '--client-ca-file',
        join(pki, 'ca.crt'),
      ],
      ['--service-account-issuer', 'https://kubernetes.default.svc', '--authorization-mode', 'RBAC'],
      ['--service-account-key-file', file('sa.pub', publicKey)],
      ['--service-account-signing-key-file', file('sa.key', tokenKey), '--service-cluster-ip-range', '10.96.0.0/16'],
    ].flat(),
    { stdio: 'ignore' },
  );
  try {
    const url = `https://127.0.0.1:${port}`;
    await becomesReady('kube-apiserver', server, url, 20);
    const startMs = performance.now() - began;
    const tls = { cert: admin.certificate, key: admin.key, rejectUnauthorized: false };
    const api: RunningApi = { process: server, url, startMs, tls };
    await hasDefaultNamespace(api);
    const processes = [server.pid!, etcd.pid!];
    const writes = await measureWrites(api, processes);
    const memoryMb = processes.reduce((sum, pid) => sum + residentBytes(pid), 0) / 1e6;
    const reads = await measureReadsUnderLoad(api);
    const version = execFileSync(binary, ['--version'], { encoding: 'utf8' }).trim().split(' ').at(-1);
    return { name: `kube-apiserver ${version}, etcd`, startMs, writes, reads, memoryMb };
  } finally {
    await stopApi({ process: server });
    await stopApi({ process: etcd });
  }
}

/** It is made a moment after the server is ready. */
async function hasDefaultNamespace({ url, tls }: RunningApi): Promise<void> {
  const client = await Http2Client.open(url, tls);
  while ((await client.send({ ':path': '/api/v1/namespaces/default' })).status !== 200) await sleep(50);
  client.close();
}
