import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { web } from './echo-manifest.ts';
import { eventually, kernelSkip, startSystem, type TestSystem } from './system.ts';

const skip = kernelSkip('kubectl', 'curl');
let system: TestSystem;

before(async () => {
  if (skip === false) system = await startSystem({ args: ['--gateway-tcp', '5432=default/web:80'] });
});
after(async () => {
  await system?.dispose();
});

/** A server that answers with the first line it got, which a PROXY protocol header is. */
const firstLine = `
apiVersion: v1
kind: Pod
metadata: { name: first-line, labels: { app: first-line } }
spec:
  containers:
    - name: server
      image: local
      command:
        - ${process.execPath}
        - -e
        - |
          require('net').createServer((socket) => {
            socket.on('error', () => {});
            socket.once('data', (data) => {
              const body = data.toString('latin1').split('\\r\\n')[0];
              socket.end('HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: ' + body.length + '\\r\\n\\r\\n' + body);
            });
          }).listen(8080);
      readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: first-line, annotations: { fairlead.dev/proxy-protocol: v1 } }
spec:
  type: NodePort
  selector: { app: first-line }
  ports: [{ port: 80, targetPort: 8080, nodePort: 30088 }]
`;

const body = async (...args: readonly string[]): Promise<string> =>
  (await system.exec('curl', '-s', '--max-time', '20', ...args)).stdout;

test('in kernel mode an annotation moves a Service to the userspace proxy, and back', { skip }, async () => {
  await system.apply(web('web', 2));
  await system.kubectl('wait', 'deployment/web', '--for=condition=Available', '--timeout=100s');
  const ip = await system.kubectl('get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}');
  const podOf = async (): Promise<string> => /"pod":\s*"([^"]*)"/.exec(await body(`http://${ip}/`))?.[1] ?? '';
  const listening = async (): Promise<number> =>
    (await system.exec('ss', '-tlnH', 'src', '192.0.2.10')).stdout.split('\n').filter((line) => line !== '').length;
  await eventually('the Service answers', async () => (await podOf()) !== '');
  assert.equal(await listening(), 0);

  await system.kubectl('annotate', 'service', 'web', 'fairlead.dev/proxy-mode=userspace');
  await eventually('the proxy listens', async () => (await listening()) === 1);
  const pods = new Set<string>();
  await eventually('both Pods answer', async () => {
    pods.add(await podOf());
    return pods.size === 2;
  });
  // Its port is no way around the kernel's checks.
  const { stdout } = await system.exec('ss', '-tlnH', 'src', '192.0.2.10');
  const port = /192\.0\.2\.10:(\d+)/.exec(stdout)?.[1];
  assert.equal(await body(`http://192.0.2.10:${port}/`), '');

  await system.kubectl('annotate', 'service', 'web', 'fairlead.dev/proxy-mode-');
  await eventually('the proxy has gone', async () => (await listening()) === 0);
  assert.notEqual(await podOf(), '');
});

test('a TCP port of the gateway leads to a Service', { skip }, async () => {
  await system.apply(web('web', 2));
  await system.kubectl('wait', 'deployment/web', '--for=condition=Available', '--timeout=100s');
  await eventually('the port answers', async () => /"pod":\s*"web-/.test(await body('http://192.0.2.10:5432/')));
});

test('endpoints are told of the client and of the address it used', { skip }, async () => {
  await system.apply(firstLine);
  await system.kubectl('wait', 'pod/first-line', '--for=condition=Ready', '--timeout=100s');
  const ip = await system.kubectl('get', 'service', 'first-line', '-o', 'jsonpath={.spec.clusterIP}');
  const viaClusterIp = await eventually('the Service answers', async () => (await body(`http://${ip}/`)) || undefined);
  assert.match(viaClusterIp, new RegExp(`^PROXY TCP4 192\\.0\\.2\\.10 ${ip.replaceAll('.', '\\.')} \\d+ 80$`));
  assert.match(await body('http://192.0.2.10:30088/'), /^PROXY TCP4 192\.0\.2\.10 192\.0\.2\.10 \d+ 30088$/);
});
