import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { command, eventually, findKubectl, kernelSkip, type Outcome, startSystem, type TestSystem } from './system.ts';

/** Every kubectl of this machine whose protocol differs: SPDY, WebSocket, and the newest. */
const kubectls = ['1.27', '1.32', '1.33'].flatMap((version) => {
  const path = findKubectl(version);
  return path === undefined ? [] : [{ version, path }];
});

const manifest = `
apiVersion: v1
kind: Pod
metadata: { name: web, labels: { app: web } }
spec:
  containers:
    - name: main
      image: fairlead/echo:1
      ports: [{ containerPort: 8080 }]
      volumeMounts: [{ name: files, mountPath: /data/files }]
  volumes: [{ name: files, emptyDir: {} }]
---
apiVersion: v1
kind: Pod
metadata: { name: looked-at }
spec: { containers: [{ name: main, image: 'fairlead/echo:1' }] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  selector: { app: web }
  ports: [{ port: 80, targetPort: 8080 }]
---
apiVersion: v1
kind: Pod
metadata: { name: talker }
spec:
  containers:
    - name: main
      image: local/shell
      command: [sh, -c, 'while read line; do echo "heard $line"; done; echo bye; sleep 1000']
      stdin: true
      stdinOnce: true
`;

describe('exec, attach and port-forward', { skip: kernelSkip('kubectl'), timeout: 240_000 }, () => {
  let system: TestSystem;
  before(async () => {
    system = await startSystem();
    await system.apply(manifest);
    await system.kubectl('wait', '--for=condition=Ready', 'pod/web', 'pod/talker', 'pod/looked-at', '--timeout=100s');
  });
  after(async () => {
    await system?.dispose();
  });

  const inside = (): string[] => ['--target', String(system.process.pid), '--net', '--mount', '--'];
  const run = (kubectl: string, args: readonly string[], input?: string): Promise<Outcome> =>
    command('nsenter', [...inside(), kubectl, '--kubeconfig', system.kubeconfig, ...args], {
      ...(input === undefined ? {} : { input }),
      env: { ...process.env, KUBECACHEDIR: join(system.dataDir, 'kubectl-cache') },
    });
  const start = (kubectl: string, args: readonly string[]): ChildProcess =>
    spawn('nsenter', [...inside(), kubectl, '--kubeconfig', system.kubeconfig, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  const printed = (child: ChildProcess, pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      let text = '';
      const timer = setTimeout(() => reject(new Error(`never ${pattern} in: ${text}`)), 60_000);
      const read = (chunk: Buffer): void => {
        text += chunk.toString();
        if (!pattern.test(text)) return;
        clearTimeout(timer);
        resolve(text);
      };
      child.stdout?.on('data', read);
      child.stderr?.on('data', read);
    });

  test('kubectl debug: an ephemeral container runs beside the others, with a log, and takes commands', async () => {
    const [path] = kubectls.map((kubectl) => kubectl.path).slice(-1);
    const kubectl = path ?? 'kubectl';
    const script = 'echo "beside $FAIRLEAD_POD_NAME"; exec sleep 1000';
    const debug = await run(kubectl, ['debug', 'looked-at', '--image=busybox', '-c', 'look', '--', 'sh', '-c', script]);
    assert.equal(debug.status, 0, debug.stderr);
    const log = async () => (await run(kubectl, ['logs', 'looked-at', '-c', 'look'])).stdout === 'beside looked-at\n';
    await eventually('its log', log);
    const inIt = ['exec', 'looked-at', '-c', 'look', '--', 'hostname'];
    await eventually('a command in it', async () => (await run(kubectl, inIt)).stdout === 'looked-at\n');
    const ready = '{.status.conditions[?(@.type=="Ready")].status}';
    const since = '{.status.ephemeralContainerStatuses[0].state.running.startedAt}';
    const status = ['get', 'pod', 'looked-at', '-o', `jsonpath=${ready} ${since}`];
    await eventually('its status', async () => /^True \d{4}-/.test((await run(kubectl, status)).stdout));
  });

  for (const { version, path } of kubectls) {
    test(`kubectl ${version}: exec keeps output, errors and exit status apart`, async () => {
      const done = await run(path, ['exec', 'web', '--', 'sh', '-c', 'echo out; echo err >&2; exit 3']);
      assert.equal(done.status, 3, done.stderr);
      assert.equal(done.stdout, 'out\n');
      assert.match(done.stderr, /^err\n/);
      const names = await run(path, ['exec', 'web', '--', 'sh', '-c', 'hostname; echo $FAIRLEAD_POD_NAME; ls /data']);
      assert.equal(names.stdout, 'web\nweb\nfiles\n', names.stderr);
    });

    test(`kubectl ${version}: exec -i sends input and its end`, async () => {
      const input = `${'x'.repeat(300_000)}\nlast\n`;
      const done = await run(path, ['exec', '-i', 'web', '--', 'cat'], input);
      assert.equal(done.status, 0, done.stderr);
      assert.equal(done.stdout.length, input.length);
      assert.ok(done.stdout === input);
    });

    test(`kubectl ${version}: exec -t gives a terminal`, async () => {
      // `script` is kubectl's terminal here. Its size travels in a message of its own, after the start.
      const words = [...inside(), path, '--kubeconfig', system.kubeconfig, 'exec', '-it', 'web', '--', 'sh', '-c'];
      const program =
        '"test -t 0 && test -t 1 && echo is-terminal; while stty size | grep -q ^0; do sleep 0.05; done; stty size; echo $TERM; read x; echo got-$x; exit 4"';
      const child = spawn('script', [
        '-qec',
        `stty rows 33 cols 99; nsenter ${words.join(' ')} '${program.slice(1, -1)}'`,
        '/dev/null',
      ]);
      const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
      const text = printed(child, /got-typed/);
      await printed(child, /xterm/);
      child.stdin.write('typed\n');
      const seen = await text;
      assert.match(seen, /is-terminal/);
      assert.match(seen, /33 99/);
      assert.equal(await exited, 4);
    });

    test(`kubectl ${version}: cp there and back`, async (context) => {
      const folder = mkdtempSync(join(tmpdir(), 'fairlead-cp-'));
      context.after(() => rmSync(folder, { recursive: true, force: true }));
      const content = Buffer.alloc(1_500_000, 'fairlead ');
      writeFileSync(join(folder, 'there'), content);
      const name = `/data/files/copy-${version}`;
      const there = await run(path, ['cp', join(folder, 'there'), `default/web:${name}`]);
      assert.equal(there.status, 0, there.stderr);
      const back = await run(path, ['cp', `default/web:${name}`, join(folder, 'back')]);
      assert.equal(back.status, 0, back.stderr);
      assert.ok(readFileSync(join(folder, 'back')).equals(content));
    });

    test(`kubectl ${version}: port-forward to a Service, many connections`, async () => {
      const child = start(path, ['port-forward', 'svc/web', ':80']);
      try {
        const text = await printed(child, /Forwarding from 127\.0\.0\.1:\d+/);
        const port = /127\.0\.0\.1:(\d+)/.exec(text)![1]!;
        const answers = await Promise.all(
          Array.from({ length: 8 }, () => system.exec('curl', '-s', '-m', '20', `http://127.0.0.1:${port}/`)),
        );
        for (const answer of answers) assert.match(answer.stdout, /web/, answer.stderr);
      } finally {
        child.kill('SIGTERM');
      }
    });
  }

  test('attach joins a running program', async () => {
    const child = start('kubectl', ['attach', '-i', 'talker']);
    const heard = printed(child, /heard hello/);
    child.stdin!.write('hello\n');
    await heard;
    const bye = printed(child, /bye/);
    child.stdin!.end();
    await bye;
    child.kill('SIGTERM');
  });

  for (const loopback of ['127.0.0.1', '::1']) {
    test(`port-forward reaches what listens on ${loopback} of the Pod only, and names what does not listen`, async () => {
      const listen = `require('http').createServer((_, r) => r.end('loop')).listen(9999, '${loopback}', () => console.log('up'))`;
      const server = start('kubectl', ['exec', '-i', 'web', '--', process.execPath, '-e', listen]);
      const child = start('kubectl', ['port-forward', 'pod/web', ':9999', ':9998']);
      try {
        await printed(server, /up/);
        const text = await printed(child, /-> 9998/);
        const [, first] = /127\.0\.0\.1:(\d+) -> 9999/.exec(text)!;
        const [, second] = /127\.0\.0\.1:(\d+) -> 9998/.exec(text)!;
        const answer = await system.exec('curl', '-s', '-m', '20', `http://127.0.0.1:${first}/`);
        assert.equal(answer.stdout, 'loop');
        const complaint = printed(child, /error forwarding port 9998 to pod/);
        await system.exec('curl', '-s', '-m', '5', `http://127.0.0.1:${second}/`);
        await complaint;
      } finally {
        child.kill('SIGTERM');
        server.kill('SIGTERM');
      }
    });
  }

  const mistakes: readonly (readonly [string, readonly string[], RegExp])[] = [
    [
      'a container that does not exist',
      ['exec', 'web', '-c', 'none', '--', 'true'],
      /container none is not valid for pod web/,
    ],
    ['a Pod that does not exist', ['exec', 'nobody', '--', 'true'], /pods "nobody" not found/],
  ];
  for (const [name, args, message] of mistakes) {
    test(`refused: ${name}`, async () => {
      const done = await run('kubectl', args);
      assert.notEqual(done.status, 0);
      assert.match(done.stderr, message);
    });
  }
});
