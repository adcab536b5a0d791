import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { askUdp, encodeQuery } from '../packages/fairlead/src/dns/dns-fixtures.ts';
import { freePort } from '../packages/fairlead/src/sys/testing/free-ports.ts';
import { rcode } from '../packages/fairlead/src/wire/dns/constants.ts';
import { processCpuUs, residentBytes } from './process-cpu.ts';

/** How a server started; times in milliseconds from the start of its process. */
export interface Start {
  /** Until a name of the cluster is answered, not SERVFAIL any more. */
  readonly startMs: number;
  /** CPU time of all its threads by then. */
  readonly startCpuMs: number;
  readonly residentBytes: number;
}

const deadlineMs = 60_000;

/** `fairlead agent --dns-only` against an API server with so many endpoints, from its first instruction to its first answer. */
export async function measureStart(endpoints: number, perService: number): Promise<Start> {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-bench-dns-start-'));
  const [key, cert, kubeconfig] = [join(folder, 'key.pem'), join(folder, 'cert.pem'), join(folder, 'kubeconfig')];
  const subject = ['-subj', '/CN=api', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const kind = ['req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-days', '2'];
  execFileSync('openssl', [...kind, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const apiEntry = fileURLToPath(new URL('./dns-start-api.ts', import.meta.url));
  const api = spawn(process.execPath, [apiEntry, key, cert, String(endpoints), String(perService)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const children: ChildProcess[] = [api];
  try {
    const [line] = (await once(createInterface(api.stdout), 'line')) as [string];
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'c',
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
        clusters: [
          {
            name: 'c',
            cluster: {
              server: `https://127.0.0.1:${line.split(' ')[1]}`,
              'certificate-authority-data': readFileSync(cert).toString('base64'),
            },
          },
        ],
        users: [{ name: 'u', user: { token: 't' } }],
      }),
    );
    const port = await freePort();
    const program = fileURLToPath(new URL('../packages/fairlead/bin/fairlead.mjs', import.meta.url));
    const options = ['--kubeconfig', kubeconfig, '--dns-only', '--dns-listen', `127.0.0.1:${port}`];
    const startedAt = performance.now();
    const agent = spawn(process.execPath, [program, 'agent', ...options, '--dns-upstream', '127.0.0.1:9'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    children.push(agent);
    const query = encodeQuery('app-0.team-0.svc.cluster.local', 'A');
    while (performance.now() - startedAt < deadlineMs) {
      const answer = await askUdp({ family: 'ipv4', address: '127.0.0.1', port }, query, 200).catch(() => undefined);
      if (answer !== undefined && (answer.flags & 15) !== rcode.SERVFAIL) {
        const startMs = performance.now() - startedAt;
        return { startMs, startCpuMs: processCpuUs(agent.pid!) / 1000, residentBytes: residentBytes(agent.pid!) };
      }
      await pause(2);
    }
    throw new Error('DNS did not start');
  } finally {
    for (const child of children) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}
