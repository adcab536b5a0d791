import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, kernelSkip, startSystem, type TestSystem } from './system.ts';

const skip = kernelSkip('kubectl', 'curl');

const pod = (name: string, ports: string): string => `
apiVersion: v1
kind: Pod
metadata: { name: ${name} }
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: echo
      image: fairlead/echo
      ports: ${ports}
`;

/** Starts a system in a mode, and disposes of it whatever happens. */
async function withSystem(args: readonly string[], use: (system: TestSystem) => Promise<void>): Promise<void> {
  const system = await startSystem({ args });
  try {
    await use(system);
  } finally {
    await system.dispose();
  }
}

/** Name of the Pod that answers at a place; empty when nobody does. */
async function answering(system: TestSystem, at: string): Promise<string> {
  const { stdout } = await system.exec('curl', '-s', '--max-time', '5', `http://${at}/`);
  return /"pod":\s*"([^"]*)"/.exec(stdout)?.[1] ?? '';
}

test('host ports of Pods: on the node, on loopback, between Pods, told by explain, gone with the Pod', { skip }, () =>
  withSystem([], async (system) => {
    const { kubectl, exec, apply } = system;
    await apply(
      `${pod('one', '[{ containerPort: 8080, hostPort: 8090 }]')}---${pod(
        'two',
        '[{ containerPort: 8080, hostPort: 8090, hostIP: 127.0.0.2 }]',
      )}`,
    );
    // The scheduler takes an unnamed address for all of them: the second has to wait for the first.
    await kubectl('wait', 'pod/one', '--for=condition=Ready', '--timeout=100s');
    await eventually('one answers at the node', async () => (await answering(system, '192.0.2.10:8090')) === 'one');
    await eventually('and on loopback', async () => (await answering(system, '127.0.0.1:8090')) === 'one');
    const told = await exec(
      process.execPath,
      new URL('../packages/fairlead/bin/fairlead.mjs', import.meta.url).pathname,
      'explain',
      '192.0.2.10:8090',
      '--kubeconfig',
      system.kubeconfig,
    );
    assert.match(told.stdout, /192\.0\.2\.10:8090\/TCP is the host port of Pod default\/one/, told.stderr);
    await kubectl('delete', 'pod', 'one', '--timeout=100s');
    await kubectl('wait', 'pod/two', '--for=condition=Ready', '--timeout=100s');
    await eventually('two answers on its address', async () => (await answering(system, '127.0.0.2:8090')) === 'two');
    await eventually('nobody at the node', async () => {
      const { status } = await exec('curl', '-s', '--max-time', '5', 'http://192.0.2.10:8090/');
      return status === 7;
    });
  }),
);

test('host ports in userspace mode, of the number that the Pod itself listens on', { skip }, () =>
  withSystem(['--mode', 'userspace'], async (system) => {
    await system.apply(
      pod('one', '[{ containerPort: 8085, hostPort: 8085 }]').replace(
        'ports:',
        'args: ["--port", "8085"]\n      ports:',
      ),
    );
    await system.kubectl('wait', 'pod/one', '--for=condition=Ready', '--timeout=100s');
    for (const at of ['127.0.0.1:8085', '192.0.2.10:8085']) {
      await eventually(`one answers at ${at}`, async () => (await answering(system, at)) === 'one');
    }
    await system.kubectl('delete', 'pod', 'one', '--timeout=100s');
    await eventually('nobody any more', async () => (await answering(system, '127.0.0.1:8085')) === '');
  }),
);
