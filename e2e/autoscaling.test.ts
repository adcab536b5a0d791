import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { web } from './echo-manifest.ts';
import { eventually, kernelSkip, startSystem, type TestSystem } from './system.ts';

const skip = kernelSkip('kubectl', 'curl', 'wrk');
let system: TestSystem;
let load: ChildProcess | undefined;

before(async () => {
  if (skip !== false) return;
  system = await startSystem();
  await system.apply(`${web('shop', 1)}---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: shop }
spec:
  rules:
    - host: shop.example
      http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: shop, port: { name: http } } } }] }
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: shop }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: shop }
  minReplicas: 1
  maxReplicas: 3
  metrics:
    - type: Object
      object:
        describedObject: { apiVersion: networking.k8s.io/v1, kind: Ingress, name: shop }
        metric: { name: requests-in-flight }
        # Four connections are kept busy: more than enough for three Pods, less than for none.
        target: { type: AverageValue, averageValue: '500m' }
    - type: Object
      object:
        describedObject: { apiVersion: v1, kind: Service, name: shop }
        metric: { name: requests-per-second }
        # No machine is so slow that four busy connections make less, and none is so fast that curl makes more.
        target: { type: AverageValue, averageValue: '10' }
  behavior: { scaleDown: { stabilizationWindowSeconds: 0 } }
`);
  await system.kubectl('wait', 'deployment/shop', '--for=condition=Available', '--timeout=100s');
});
after(async () => {
  load?.kill('SIGKILL');
  await system?.dispose();
});

const autoscaler = async (path: string): Promise<string> =>
  system.kubectl('get', 'hpa', 'shop', '-o', `jsonpath={${path}}`);

test('a Deployment grows with the requests that the gateway sees, and shrinks without them', { skip }, async () => {
  await eventually('the route', async () => {
    const { stdout } = await system.exec('curl', '-s', '-H', 'Host: shop.example', 'http://127.0.0.1/');
    return stdout.includes('"pod"');
  });
  // Ended by the test: how long it takes until the autoscaler has looked is no matter.
  load = spawn(
    'nsenter',
    [
      ...['--target', `${system.process.pid}`, '--net', '--'],
      ...['wrk', '-t1', '-c4', '-d120s', '-H', 'Host: shop.example', 'http://127.0.0.1/'],
    ],
    { stdio: 'ignore' },
  );
  await eventually('three ready Pods', async () => (await ready()) === '3', 90_000);
  const active = await autoscaler('.status.conditions[?(@.type=="ScalingActive")].reason');
  assert.equal(active, 'ValidMetricFound');
  assert.match(
    await system.kubectl('describe', 'hpa', 'shop'),
    /New size: 3; reason: \w+ metric requests-[\w-]+ above/,
  );
  const ended = new Promise((resolve) => load?.once('exit', resolve));
  load.kill('SIGTERM');
  await ended;
  await eventually('one Pod', async () => (await ready()) === '1', 90_000);
  assert.match(await system.kubectl('describe', 'hpa', 'shop'), /New size: 1; reason: All metrics below target/);
});

test('what cannot be measured is told with its reason', { skip }, async () => {
  await system.kubectl('create', 'deployment', 'idle', '--image=fairlead/echo');
  await system.apply(`
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: idle }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: idle }
  maxReplicas: 3
  metrics:
    - type: Object
      object:
        describedObject: { apiVersion: v1, kind: Service, name: idle }
        metric: { name: requests-per-second }
        target: { type: Value, value: '10' }
`);
  await eventually(
    'the condition',
    async () => {
      const message = await system.kubectl(
        'get',
        'hpa',
        'idle',
        '-o',
        'jsonpath={.status.conditions[?(@.type=="ScalingActive")].message}',
      );
      return message.includes('Service on default idle/no gateway leads there');
    },
    60_000,
  );
});

async function ready(): Promise<string> {
  return system.kubectl('get', 'deployment', 'shop', '-o', 'jsonpath={.status.readyReplicas}');
}
