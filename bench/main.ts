import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A program that a benchmark starts, and the Debian package that has it. */
interface NeededProgram {
  readonly command: string;
  readonly debianPackage: string;
  /** Without it the benchmark still says something. */
  readonly optional?: boolean;
}

interface Benchmark {
  readonly summary: string;
  readonly needs: readonly NeededProgram[];
  readonly needsRoot?: boolean;
  /** Gets what follows the name on the command line. */
  readonly run: (args: readonly string[]) => Promise<void>;
}

const benchmarks: Readonly<Record<string, Benchmark>> = {
  l7: {
    summary: 'HTTP proxy: CPU per request, requests/s and latency, beside nginx, HAProxy, Envoy and Caddy',
    needs: [
      { command: 'wrk', debianPackage: 'wrk' },
      { command: 'nginx', debianPackage: 'nginx-light' },
    ],
    run: async (args) => (await import('./l7.ts')).runL7Bench('l7', args),
  },
  'l7-https': {
    summary: 'HTTPS in, HTTP out: CPU per request and per full handshake, beside the same',
    needs: [
      { command: 'wrk', debianPackage: 'wrk' },
      { command: 'nginx', debianPackage: 'nginx-light' },
      { command: 'openssl', debianPackage: 'openssl' },
    ],
    run: async (args) => (await import('./l7.ts')).runL7Bench('l7-https', args),
  },
  'l7-matrix': {
    summary: 'every row of l7, l7-https and http2 in one table, with ratios to all peers and verdicts',
    needs: [
      { command: 'wrk', debianPackage: 'wrk' },
      { command: 'h2load', debianPackage: 'nghttp2-client' },
      { command: 'nginx', debianPackage: 'nginx-light' },
      { command: 'openssl', debianPackage: 'openssl' },
    ],
    run: async (args) => (await import('./l7-matrix.ts')).runMatrixBench(args),
  },
  'l7-latency': {
    summary: 'time that a proxy adds to a small request at half load, beside the same',
    needs: [
      { command: 'wrk', debianPackage: 'wrk' },
      { command: 'h2load', debianPackage: 'nghttp2-client' },
      { command: 'nginx', debianPackage: 'nginx-light' },
    ],
    run: async () => (await import('./l7-latency.ts')).runLatencyBench(),
  },
  'l7-memory': {
    summary: 'memory of an idle proxy and of idle connections, beside the same',
    needs: [
      { command: 'nginx', debianPackage: 'nginx-light' },
      { command: 'openssl', debianPackage: 'openssl' },
    ],
    run: async () => (await import('./l7-memory.ts')).runMemoryBench(),
  },
  'tls-floor': {
    summary: "memory of OpenSSL's own for an idle TLS session, by what could be set differently",
    needs: [],
    run: async (args) => (await import('./tls-floor.ts')).runTlsFloor(args),
  },
  'l7-routes': {
    summary: 'one of 5,000 routes changed under load: time until all workers run it, failed requests',
    needs: [{ command: 'wrk', debianPackage: 'wrk' }],
    run: async () => (await import('./l7-routes.ts')).runRoutesBench(),
  },
  http2: {
    summary: 'HTTP/2 and gRPC in, HTTP/1.1 or h2c out: CPU per request, beside the same',
    needs: [
      { command: 'h2load', debianPackage: 'nghttp2-client' },
      { command: 'nginx', debianPackage: 'nginx-light' },
    ],
    run: async (args) => (await import('./http2.ts')).runHttp2Bench(args),
  },
  dns: {
    summary: 'DNS server: CPU per query and queries/s, beside Knot',
    needs: [
      { command: 'dnsperf', debianPackage: 'dnsperf' },
      { command: 'knotd', debianPackage: 'knot' },
    ],
    run: async () => (await import('./dns.ts')).runDnsBench(),
  },
  l4: {
    summary: 'nftables program: load and change times, beside a chain per endpoint',
    needs: [
      { command: 'nft', debianPackage: 'nftables' },
      { command: 'ip', debianPackage: 'iproute2' },
    ],
    needsRoot: true,
    run: async () => (await import('./l4.ts')).runL4Bench(),
  },
  'l4-agent': {
    summary: 'memory and CPU of the service proxy process against the API server, up to 250,000 endpoints',
    needs: [
      { command: 'nft', debianPackage: 'nftables' },
      { command: 'ip', debianPackage: 'iproute2' },
    ],
    needsRoot: true,
    run: async () => (await import('./l4-agent.ts')).runAgentBench(),
  },
  balance: {
    summary: 'published experiments of load balancing, simulated with our algorithms',
    needs: [],
    run: async () => (await import('./balance.ts')).runBalanceBench(),
  },
  connections: {
    summary: 'connections of the gateway opened and closed for 150 s: what is left of them',
    needs: [{ command: 'wrk', debianPackage: 'wrk' }],
    run: async () => (await import('./connections.ts')).runConnectionsBench(),
  },
  'l4-userspace': {
    summary: 'userspace service proxy: CPU per connection, message and GiB, beside nginx stream and HAProxy',
    needs: [
      { command: 'wrk', debianPackage: 'wrk' },
      { command: 'nginx', debianPackage: 'nginx-light' },
      { command: 'haproxy', debianPackage: 'haproxy' },
    ],
    run: async () => (await import('./l4-userspace.ts')).runUserspaceBench(),
  },
  api: {
    summary: 'API server: start, memory, durable writes/s and watch fan-out, beside etcd and kube-apiserver',
    needs: [{ command: 'etcd', debianPackage: 'etcd-server', optional: true }],
    run: async () => (await import('./api.ts')).runApiBench(),
  },
};

/** Whether a command is in PATH, or where Debian puts daemons. */
function isInstalled(command: string): boolean {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** What is missing for a benchmark, one line each; `fatal` when it cannot run at all. */
function missingPrograms(benchmark: Benchmark): { readonly lines: readonly string[]; readonly fatal: boolean } {
  const missing = benchmark.needs.filter((program) => !isInstalled(program.command));
  const lines = missing.map(({ command, debianPackage, optional }) => {
    return `${command} is not installed (apt-get install ${debianPackage})${optional === true ? '; going on without it' : ''}`;
  });
  const rootMissing = benchmark.needsRoot === true && process.getuid?.() !== 0;
  if (rootMissing) lines.push('this benchmark makes network namespaces: run it as root');
  return { lines, fatal: rootMissing || missing.some((program) => program.optional !== true) };
}

async function main([name, ...args]: readonly string[]): Promise<number> {
  const benchmark = name === undefined ? undefined : benchmarks[name];
  if (benchmark === undefined) {
    const lines = Object.entries(benchmarks).map(([each, { summary }]) => `  ${each.padEnd(8)} ${summary}`);
    process.stderr.write(`usage: npm run bench -- NAME\n${lines.join('\n')}\n`);
    return name === undefined || name === '--help' ? 0 : 1;
  }
  const { lines, fatal } = missingPrograms(benchmark);
  for (const line of lines) process.stderr.write(`bench ${name}: ${line}\n`);
  if (fatal) return 1;
  await benchmark.run(args);
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
