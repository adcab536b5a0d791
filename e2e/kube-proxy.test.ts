import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { command, createMachine, eventually, kernelSkip, removeMachine } from './system.ts';

const skip = kernelSkip('kubectl', 'curl');
const program = fileURLToPath(new URL('../packages/fairlead/bin/fairlead.mjs', import.meta.url));
const dataDir = mkdtempSync(join(tmpdir(), 'fairlead-proxy-'));
const children: ChildProcess[] = [];
let machine: string | undefined;

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.on('exit', resolve));
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
  await ended;
  clearTimeout(timer);
}

after(async () => {
  for (const child of children.reverse()) await end(child, 'SIGTERM');
  if (machine !== undefined) await removeMachine(machine);
  rmSync(dataDir, { recursive: true, force: true });
});

const machineIp = '192.0.2.10';

function service(name: string, clusterIp: string, more = '', annotations = '', labels = ''): string {
  return `
apiVersion: v1
kind: Service
metadata: {name: ${name}, annotations: {${annotations}}, labels: {${labels}}}
spec:
  clusterIP: ${clusterIp}
  ports: [{port: 80, targetPort: 8080}]
  ${more}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${name}-a, labels: {kubernetes.io/service-name: ${name}}}
addressType: IPv4
ports: [{name: "", port: 8080, protocol: TCP}]
endpoints: [{addresses: [${machineIp}], nodeName: worker, conditions: {ready: true}}]
`;
}

const node = `
apiVersion: v1
kind: Node
metadata: {name: worker}
spec: {podCIDR: 10.200.7.0/24, podCIDRs: [10.200.7.0/24]}
`;

test('the service proxy alone takes the place of kube-proxy, against the API of a cluster', { skip }, async (t) => {
  machine = await createMachine();
  const inside = ['netns', 'exec', machine];
  const kubeconfig = join(dataDir, 'kubeconfig');
  const start = (...args: readonly string[]): ChildProcess => {
    const child = spawn('ip', [...inside, process.execPath, ...args], { stdio: 'inherit' });
    children.push(child);
    return child;
  };
  const exec = (...args: readonly string[]) => command('ip', [...inside, ...args]);
  const curl = async (url: string): Promise<string> =>
    (await exec('curl', '-s', '-w', ' %{http_code}', '--max-time', '5', url)).stdout;
  const kubectl = async (args: readonly string[], input?: string): Promise<string> => {
    const done = await command('ip', [...inside, 'kubectl', '--kubeconfig', kubeconfig, ...args], {
      ...(input === undefined ? {} : { input }),
      env: { ...process.env, KUBECACHEDIR: join(dataDir, 'kubectl-cache') },
    });
    if (done.status !== 0) throw new Error(done.stderr);
    return done.stdout;
  };
  await command('ip', ['-n', machine, 'route', 'add', 'default', 'via', '192.0.2.1', 'dev', 'eth0']);
  const answer = "require('node:http').createServer((q, r) => r.end('here')).listen(8080, '192.0.2.10')";
  start('-e', answer);
  start(program, 'apiserver', '--data-dir', join(dataDir, 'api'), '--kubeconfig', kubeconfig);
  await eventually('the kubeconfig', async () => existsSync(kubeconfig));
  await eventually('the API', async () => (await kubectl(['get', 'namespaces']).catch(() => '')) !== '');
  await kubectl(
    ['apply', '-f', '-'],
    [
      node,
      service('web', '10.96.40.1', '', 'fairlead.dev/drain-seconds: soon, fairlead.dev/syn-proxy: "on"'),
      service('theirs', '10.96.40.2', '', '', 'service.kubernetes.io/service-proxy-name: other'),
    ].join('---'),
  );
  // What kube-proxy left.
  await exec('nft', 'add', 'table', 'ip', 'kube-proxy');
  const proxyArgs = ['agent', '--kubeconfig', kubeconfig, '--services-only', '--node-name', 'worker'];
  let agent = start(program, ...proxyArgs, '--cluster-cidr', '10.200.0.0/16', '--cleanup-kube-proxy');
  await eventually('the cluster IP', async () => (await curl('http://10.96.40.1/')) === 'here 200');

  await t.test('another proxy’s Services are left alone', async () => {
    assert.equal(await curl('http://10.96.40.2/'), ' 000');
    const { stdout } = await exec('nft', 'list', 'map', 'ip', 'fairlead', 'frontends');
    assert.doesNotMatch(stdout, /10\.96\.40\.2/);
  });

  await t.test('kube-proxy’s own table is gone; sources are those of the node’s range', async () => {
    const tables = (await exec('nft', 'list', 'tables')).stdout;
    assert.doesNotMatch(tables, /kube-proxy/);
    await eventually('the range', async () =>
      (await exec('nft', 'list', 'set', 'ip', 'fairlead', 'pod-cidrs')).stdout.includes('10.200.7.0/24'),
    );
  });

  await t.test('a wrong annotation is a condition, and the Service is served', async () => {
    const condition = `{.status.conditions[?(@.type=="fairlead.dev/AnnotationsAccepted")]`;
    await eventually('the condition', async () => {
      const text = await kubectl(['get', 'service', 'web', '-o', `jsonpath=${condition}.message}`]);
      return text.includes("drain-seconds]: 'soon' is not a number of seconds");
    });
    await kubectl(['annotate', 'service', 'web', 'fairlead.dev/drain-seconds=5', '--overwrite']);
    await eventually('the mended condition', async () => {
      return (await kubectl(['get', 'service', 'web', '-o', `jsonpath=${condition}.status}`])) === 'True';
    });
    await kubectl(['annotate', 'service', 'web', 'fairlead.dev/drain-seconds-', 'fairlead.dev/syn-proxy-']);
    await eventually('no condition', async () => {
      return (await kubectl(['get', 'service', 'web', '-o', 'jsonpath={.status.conditions}'])) === '';
    });
  });

  await t.test('health: live as long as changes get through, ready unless the node is going', async () => {
    const healthz = (): Promise<string> => curl('http://127.0.0.1:10256/healthz');
    const livez = (): Promise<string> => curl('http://127.0.0.1:10256/livez');
    await eventually('ready', async () => /"nodeEligible":true.* 200$/.test(await healthz()));
    await kubectl(['taint', 'node', 'worker', 'ToBeDeletedByClusterAutoscaler=1:NoSchedule']);
    await eventually('not ready', async () => / 503$/.test(await healthz()));
    assert.match(await livez(), / 200$/);
    await kubectl(['taint', 'node', 'worker', 'ToBeDeletedByClusterAutoscaler-']);
    await eventually('ready again', async () => / 200$/.test(await healthz()));
  });

  await t.test('metrics have kube-proxy’s names; latency counts from the trigger', async () => {
    const value = async (name: string): Promise<number> => {
      const text = await curl('http://127.0.0.1:10249/metrics');
      return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
    };
    const count = 'kubeproxy_network_programming_duration_seconds_count';
    const before = await value(count);
    const trigger = new Date(Date.now() - 1500).toISOString();
    await kubectl([
      'annotate',
      'endpointslice',
      'web-a',
      `endpoints.kubernetes.io/last-change-trigger-time=${trigger}`,
    ]);
    const patch = JSON.stringify({ endpoints: [{ addresses: [machineIp], conditions: { ready: true }, zone: 'z' }] });
    await kubectl(['patch', 'endpointslice', 'web-a', '--type=merge', '-p', patch]);
    await eventually('the measurement', async () => (await value(count)) > before);
    assert.ok((await value('kubeproxy_network_programming_duration_seconds_sum')) >= 1.5);
    for (const name of [
      'kubeproxy_sync_proxy_rules_duration_seconds_count',
      'kubeproxy_sync_proxy_rules_last_timestamp_seconds',
    ]) {
      assert.ok((await value(name)) > 0, name);
    }
  });

  await t.test('killed, its rules serve on; started again, it takes over', async () => {
    await end(agent, 'SIGKILL');
    assert.equal(await curl('http://10.96.40.1/'), 'here 200');
    agent = start(program, ...proxyArgs, '--masquerade-all', '--nodeport-addresses', 'primary');
    await eventually('the health of the new one', async () =>
      / 200$/.test(await curl('http://127.0.0.1:10256/healthz')),
    );
    assert.equal(await curl('http://10.96.40.1/'), 'here 200');
    await end(agent, 'SIGTERM');
    assert.equal((await exec('nft', 'list', 'tables')).stdout.trim(), '');
  });

  await t.test('wrong flags are told of together', async () => {
    const wrong = ['--detect-local-mode', 'Magic', '--nodeport-addresses', 'everywhere', '--cluster-cidr', 'x'];
    const { status, stderr } = await exec(process.execPath, program, ...proxyArgs, ...wrong);
    assert.notEqual(status, 0);
    for (const text of ['Magic', 'everywhere', '--cluster-cidr x']) assert.ok(stderr.includes(text), stderr);
  });
});
