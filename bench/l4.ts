import { spawnSync } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { loadavg } from 'node:os';
import type { EndpointSlice, Service, Stored } from '@fairlead/api';
import { createNftApplier } from '../packages/fairlead/src/services/apply-nft.ts';
import { compileService, type NodeContext } from '../packages/fairlead/src/services/compile.ts';
import { createNativeLoad, type NativeLoad } from '../packages/fairlead/src/services/native-load.ts';
import { createFastRunNft, createRunNft, type RunNft } from '../packages/fairlead/src/services/nft-command.ts';
import type { ServiceProgram } from '../packages/fairlead/src/services/program.ts';
import { systemClock } from '../packages/fairlead/src/sys/clock.ts';
import { openNftablesLibrary } from '../packages/fairlead/src/sys/nftables-library.ts';
import { median, printTable, quantile } from './table.ts';

const insideFlag = '--inside-namespace';
const sizeFlag = '--size';
const node: NodeContext = { nodeName: 'here', nodeIps: ['192.0.2.1'] };
const changes = 100;
const connects = 2000;
/** An address of the namespace's loopback link, for the endpoint that is connected to. */
const localAddress = '192.0.2.1';

interface Measured {
  readonly layout: string;
  readonly size: string;
  readonly loadMs: number;
  /** Trigger to kernel, one endpoint added or removed. */
  readonly changeMs: readonly number[];
  /** CPU time of this process for each of these: what a busy machine does not disturb. */
  readonly changeCpuMs: readonly number[];
  /** Of the whole process after the changes, as the kernel counts it; only where it ran alone. */
  readonly rssMiB?: number;
  /** TCP connections through the Service in the middle, microseconds; only where it ran alone. */
  readonly connectUs?: readonly number[];
}

function address(first: number, n: number): string {
  return `${first}.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
}

function serviceOf(index: number): Stored<Service> {
  return {
    metadata: { name: `s${index}`, namespace: 'bench', uid: '', resourceVersion: '1', creationTimestamp: '' },
    spec: {
      type: 'ClusterIP',
      clusterIP: address(10, index + 1),
      ports: [{ port: 80, protocol: 'TCP', targetPort: 8080 }],
    },
  };
}

function slicesOf(index: number, endpoints: number): Stored<EndpointSlice>[] {
  return [
    {
      metadata: { name: `s${index}-a`, namespace: 'bench', uid: '', resourceVersion: '1', creationTimestamp: '' },
      addressType: 'IPv4',
      ports: [{ name: '', port: 8080, protocol: 'TCP' }],
      endpoints: Array.from({ length: endpoints }, (_, k) => ({
        addresses: [address(100 + (k % 10), index * 16 + Math.floor(k / 10))],
        conditions: { ready: true },
        nodeName: 'there',
      })),
    },
  ];
}

/** Sequential connections from this machine to a cluster IP whose endpoint is on this machine. */
async function measureConnects(host: string): Promise<number[]> {
  const taken: number[] = [];
  for (let n = 0; n < connects; n++) {
    const start = performance.now();
    await new Promise<void>((resolve, reject) => {
      const socket = connect({ host, port: 80 }, () => {
        taken.push((performance.now() - start) * 1000);
        socket.resetAndDestroy();
        resolve();
      });
      socket.once('error', reject);
    });
  }
  return taken;
}

async function time(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Milliseconds on the clock, and of CPU in this process. */
async function timeBoth(work: () => Promise<void>): Promise<readonly [clockMs: number, cpuMs: number]> {
  const before = process.cpuUsage();
  const clockMs = await time(work);
  const { user, system } = process.cpuUsage(before);
  return [clockMs, (user + system) / 1000];
}

/** Our own path, from API objects to the kernel's commit. */
async function measureFairlead(
  layout: string,
  runNft: RunNft,
  count: number,
  endpoints: number,
  native?: NativeLoad,
): Promise<Measured> {
  const applier = createNftApplier({
    podCidrs: ['10.244.0.0/16'],
    serviceCidrs: ['10.0.0.0/8'],
    nodePorts: true,
    runNft,
    clock: systemClock,
    log: () => undefined,
    ...(native === undefined ? {} : { native }),
  });
  const services = Array.from({ length: count }, (_, index) => serviceOf(index));
  const slices = Array.from({ length: count }, (_, index) => slicesOf(index, endpoints));
  const compile = (index: number, own: readonly EndpointSlice[]): [string, ServiceProgram | undefined] => {
    const service = services[index] as Stored<Service>;
    return [`bench/${service.metadata.name}`, compileService(service, own, node).program];
  };
  const loadMs = await time(() => applier.apply(new Map(slices.map((own, index) => compile(index, own)))));
  const changeMs: number[] = [];
  const changeCpuMs: number[] = [];
  for (let n = 0; n < changes; n++) {
    const index = (n * 7919) % count;
    const changed = slicesOf(index, n % 2 === 0 ? endpoints + 1 : endpoints - 1);
    const [clockMs, cpuMs] = await timeBoth(() => applier.apply(new Map([compile(index, changed)])));
    changeMs.push(clockMs);
    changeCpuMs.push(cpuMs);
  }
  const alone = process.argv.includes(sizeFlag) ? await measureAlone(applier, services[count >> 1]) : {};
  await applier.remove();
  return { layout, size: `${count} x ${endpoints}`, loadMs, changeMs, changeCpuMs, ...alone };
}

/** Memory, and connections through one Service among all. */
async function measureAlone(
  applier: ReturnType<typeof createNftApplier>,
  service: Stored<Service> | undefined,
): Promise<Pick<Measured, 'rssMiB' | 'connectUs'>> {
  if (service === undefined) return {};
  globalThis.gc?.();
  const rssMiB = process.memoryUsage().rss / 2 ** 20;
  const server = createServer((socket) => socket.on('error', () => undefined).resume());
  await new Promise<void>((resolve) => server.listen(8080, localAddress, resolve));
  const [slice] = slicesOf(0, 1);
  const endpoint = { addresses: [localAddress], conditions: { ready: true }, nodeName: 'here' };
  const { program } = compileService(service, [{ ...slice, endpoints: [endpoint] } as EndpointSlice], node);
  await applier.apply(new Map([[`bench/${service.metadata.name}`, program]]));
  const connectUs = await measureConnects(service.spec?.clusterIP ?? '');
  server.close();
  return { rssMiB, connectUs };
}

/** The shape of kube-proxy before 1.36: a chain per Service and per endpoint, one element per command. */
function chainPerEndpoint(count: number, endpoints: number): string {
  const lines = [
    'table ip chains {',
    'map services { type ipv4_addr . inet_proto . inet_service : verdict; }',
    'chain services { ip daddr . meta l4proto . th dport vmap @services; }',
    'chain prerouting { type nat hook prerouting priority -100; jump services; }',
    'chain output { type nat hook output priority -100; jump services; }',
    '}',
  ];
  for (let index = 0; index < count; index++) {
    const verdicts: string[] = [];
    for (let k = 0; k < endpoints; k++) {
      lines.push(`add chain ip chains endpoint-${index}-${k}`);
      const target = `${address(100 + (k % 10), index * 16 + Math.floor(k / 10))}:8080`;
      lines.push(`add rule ip chains endpoint-${index}-${k} meta l4proto tcp dnat to ${target}`);
      verdicts.push(`${k} : goto endpoint-${index}-${k}`);
    }
    lines.push(`add chain ip chains service-${index}`);
    lines.push(`add rule ip chains service-${index} numgen random mod ${endpoints} vmap { ${verdicts.join(', ')} }`);
    lines.push(`add element ip chains services { ${address(10, index + 1)} . tcp . 80 : goto service-${index} }`);
  }
  return `${lines.join('\n')}\n`;
}

async function measureChains(runNft: RunNft, count: number, endpoints: number): Promise<Measured> {
  const loadMs = await time(() => runNft(chainPerEndpoint(count, endpoints)));
  const changeMs: number[] = [];
  for (let n = 0; n < 10; n++) {
    const index = (n * 7919) % count;
    const verdicts = Array.from({ length: endpoints + 1 }, (_, k) => `${k} : goto endpoint-${index}-${k}`);
    const text = [
      `add chain ip chains endpoint-${index}-${endpoints}`,
      `add rule ip chains endpoint-${index}-${endpoints} meta l4proto tcp dnat to 110.0.0.1:8080`,
      `flush chain ip chains service-${index}`,
      `add rule ip chains service-${index} numgen random mod ${endpoints + 1} vmap { ${verdicts.join(', ')} }`,
    ].join('\n');
    changeMs.push(await time(() => runNft(`${text}\n`)));
  }
  await runNft('delete table ip chains\n');
  return {
    layout: 'chain per endpoint (emulated)',
    size: `${count} x ${endpoints}`,
    loadMs,
    changeMs,
    changeCpuMs: [],
  };
}

const ours = 'Fairlead: shared chains, one endpoint map';

/** One size in a process of its own: prints the row as JSON. */
async function runSize(size: string): Promise<void> {
  const [count = 0, endpoints = 0] = size.split('x').map(Number);
  const library = openNftablesLibrary();
  const row = await measureFairlead(
    ours,
    createFastRunNft(library, createRunNft()),
    count,
    endpoints,
    createNativeLoad(),
  );
  library?.close();
  console.log(JSON.stringify(row));
}

function runSizeAlone(size: string): Measured {
  const args = ['--expose-gc', import.meta.filename, sizeFlag, size];
  const { status, stdout } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) throw new Error(`the size ${size} ended with status ${status}`);
  return JSON.parse(stdout) as Measured;
}

async function runInside(): Promise<void> {
  spawnSync('sh', ['-c', `ip link set lo up; ip addr add ${localAddress}/32 dev lo; ip route add default dev lo`]);
  const program = createRunNft();
  const rows = ['10x10', '10000x10', '30000x2', '25000x10'].map(runSizeAlone);
  rows.push(await measureFairlead(`${ours}, all by nft, started each time`, program, 10_000, 10));
  rows.push(await measureFairlead(ours, program, 1000, 10));
  rows.push(await measureChains(program, 1000, 10));
  const show = (value: number | undefined): string | number => value ?? '-';
  printTable(
    `L4 programming: API objects to kernel commit (Services x endpoints), at load average ${loadavg()[0]?.toFixed(1)}. The chain layout takes minutes at 10,000 x 10, so it is compared at 1,000 x 10.`,
    [
      'layout',
      'size',
      'full load ms',
      'one change p50 ms',
      'p99 ms',
      'CPU p50 ms',
      'CPU p99 ms',
      'memory MiB',
      'connect p50 us',
    ],
    rows.map((row) => [
      row.layout,
      row.size,
      row.loadMs,
      median(row.changeMs),
      quantile(row.changeMs, 0.99),
      row.changeCpuMs.length === 0 ? '-' : median(row.changeCpuMs),
      row.changeCpuMs.length === 0 ? '-' : quantile(row.changeCpuMs, 0.99),
      show(row.rssMiB),
      show(row.connectUs === undefined ? undefined : median(row.connectUs)),
    ]),
  );
}

/** Measures full load and one endpoint change in a network namespace of its own; prints a table. Needs root. */
export async function runL4Bench(): Promise<void> {
  const namespace = `flbench-${process.pid}`;
  const ip = (...args: string[]): number | null => spawnSync('ip', args, { stdio: 'inherit' }).status;
  if (ip('netns', 'add', namespace) !== 0) throw new Error('the L4 benchmark needs root, for a network namespace');
  try {
    const status = ip('netns', 'exec', namespace, process.execPath, import.meta.filename, insideFlag);
    if (status !== 0) throw new Error(`the L4 benchmark ended with status ${status}`);
  } finally {
    ip('netns', 'delete', namespace);
  }
}

if (process.argv[1] === import.meta.filename) {
  const size = process.argv[process.argv.indexOf(sizeFlag) + 1];
  if (process.argv.includes(sizeFlag) && size !== undefined) await runSize(size);
  else await (process.argv.includes(insideFlag) ? runInside() : runL4Bench());
}
