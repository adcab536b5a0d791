import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { web } from './echo-manifest.ts';
import { eventually, kernelSkip, startSystem, type TestSystem } from './system.ts';

const skip = kernelSkip('kubectl');
let system: TestSystem;

before(async () => {
  if (skip === false) system = await startSystem();
});
after(async () => {
  await system?.dispose();
});

test('the first Service of a newcomer', { skip }, async () => {
  const manifest = await system.kubectl(
    'create',
    'service',
    'clusterip',
    'nginx',
    '--tcp=80:80',
    '--dry-run=client',
    '-o',
    'yaml',
  );
  const file = join(system.dataDir, 'nginx-service.yaml');
  writeFileSync(file, manifest);
  assert.equal(await system.kubectl('apply', '-f', file), 'service/nginx created\n');
  const versionOf = () => system.kubectl('get', 'service', 'nginx', '-o', 'jsonpath={.metadata.resourceVersion}');
  const version = await versionOf();
  // kubectl sends `creationTimestamp: null` from the generated manifest, says so, and nothing must change.
  assert.match(await system.kubectl('apply', '-f', file), /^service\/nginx (unchanged|configured)\n$/);
  assert.equal(await versionOf(), version);
  const table = (await system.kubectl('get', 'services'))
    .trim()
    .split('\n')
    .map((line) => line.split(/\s{2,}/));
  assert.deepEqual(table[0], ['NAME', 'TYPE', 'CLUSTER-IP', 'EXTERNAL-IP', 'PORT(S)', 'AGE']);
  assert.deepEqual(
    table.slice(1).map((row) => [row[0], row[1], row[3], row[4]]),
    [
      ['kubernetes', 'ClusterIP', '<none>', '443/TCP'],
      ['nginx', 'ClusterIP', '<none>', '80/TCP'],
    ],
  );
  const described = await system.kubectl('describe', 'service', 'nginx');
  for (const line of [
    /^Selector:\s+app=nginx$/m,
    /^Type:\s+ClusterIP$/m,
    /^IP:\s+10\.96\.\d+\.\d+$/m,
    /^Port:\s+80-80\s+80\/TCP$/m,
    /^TargetPort:\s+80\/TCP$/m,
    /^Endpoints:\s*(<none>)?$/m,
    /^Session Affinity:\s+None$/m,
    /^Events:\s+<none>$/m,
  ]) {
    assert.match(described, line);
  }
});

test('create, expose, scale, wait, logs, describe, delete', { skip }, async () => {
  await system.kubectl('create', 'deployment', 'app', '--image=fairlead/echo', '--port=8080', '--replicas=2');
  await system.kubectl('expose', 'deployment', 'app', '--port=80', '--target-port=8080');
  await system.kubectl('wait', 'deployment/app', '--for=condition=Available', '--timeout=100s');
  await system.kubectl('scale', 'deployment', 'app', '--replicas=3');
  await eventually('three replicas', async () => {
    const row = (await system.kubectl('get', 'deployment', 'app')).split('\n')[1]?.split(/\s+/);
    return row?.[1] === '3/3';
  });
  const wide = await system.kubectl('get', 'pods', '-o', 'wide', '-l', 'app=app');
  assert.match(wide, /^NAME\s+READY\s+STATUS\s+RESTARTS\s+AGE\s+IP\s+NODE\s+NOMINATED NODE\s+READINESS GATES$/m);
  assert.match(wide, /1\/1\s+Running\s+0\s+\d+s\s+10\.244\./);
  const pod = await system.kubectl('get', 'pods', '-l', 'app=app', '-o', 'jsonpath={.items[0].metadata.name}');
  await eventually('a line of log', async () => (await system.kubectl('logs', pod)).length > 0);
  const described = await system.kubectl('describe', 'pod', pod);
  assert.match(described, /^Status:\s+Running$/m);
  assert.match(described, /Scheduled/);
  await system.kubectl('delete', 'deployment', 'app', '--wait');
  await eventually('no Pods', async () => (await system.kubectl('get', 'pods', '-l', 'app=app', '-o', 'name')) === '');
  await system.kubectl('delete', 'service', 'app');
});

test('a namespace goes with all it holds', { skip }, async () => {
  await system.kubectl('create', 'namespace', 'brief');
  await system.kubectl('create', 'configmap', 'note', '-n', 'brief', '--from-literal=a=b');
  await system.kubectl('create', 'deployment', 'app', '-n', 'brief', '--image=fairlead/echo');
  await system.kubectl('delete', 'namespace', 'brief', '--timeout=100s');
  await assert.rejects(system.kubectl('get', 'namespace', 'brief'), /NotFound/);
});

test('wrong input names its path', { skip }, async () => {
  await assert.rejects(
    system.apply(web('bad', 1).replace('targetPort: http', 'targetPrt: http')),
    /spec\.ports\[0\]\.targetPrt/,
  );
  await assert.rejects(system.apply(web('bad', 1).replace('port: 80,', 'port: 80000,')), /spec\.ports\[0\]\.port/);
});

test('an unknown image says how to map it', { skip }, async () => {
  await system.kubectl('create', 'deployment', 'strange', '--image=example.com/strange:1');
  await eventually('the reason', async () => {
    const waiting = await system.kubectl(
      'get',
      'pods',
      '-l',
      'app=strange',
      '-o',
      'jsonpath={.items[0].status.containerStatuses[0].state.waiting.reason} {.items[0].status.containerStatuses[0].state.waiting.message}',
    );
    return waiting.startsWith('ErrImageNeverPull') && waiting.includes('--image');
  });
  await system.kubectl('delete', 'deployment', 'strange');
});
