import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { RouteBackend } from '../../routing/route-table.ts';
import { systemClock } from '../../sys/clock.ts';
import { freePort } from '../../sys/testing/free-ports.ts';
import {
  ok,
  onRequests,
  RawConnection,
  RawUpstream,
  startRig,
  testBackend,
  testRoute,
} from '../test-rig/gateway-rig.ts';

// The PROXY protocol with those who wrote it down and those who speak it most.

const folder = mkdtempSync(join(tmpdir(), 'fltest-proxy-'));
const running: ChildProcess[] = [];
after(() => {
  for (const child of running) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function missing(program: string): string | false {
  try {
    execFileSync(program, ['-v'], { stdio: 'ignore' });
    return false;
  } catch {
    return `needs ${program}`;
  }
}

/** Starts a program and waits until it listens. */
async function start(program: string, args: readonly string[], port: number): Promise<void> {
  running.push(spawn(program, args, { stdio: 'ignore' }));
  const isOpen = (): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
  for (const deadlineMs = systemClock.monotonicMs() + 60_000; !(await isOpen()); await systemClock.sleep(20)) {
    assert.ok(systemClock.monotonicMs() < deadlineMs, `${program} does not listen`);
  }
}

async function startHaproxy(name: string, port: number, body: string): Promise<void> {
  const file = join(folder, `${name}.cfg`);
  writeFileSync(file, `defaults\n  timeout connect 5s\n  timeout client 20s\n  timeout server 20s\n${body}\n`);
  await start('haproxy', ['-db', '-q', '-f', file], port);
}

const get = async (
  port: number,
  from = '127.0.0.1',
): Promise<{ readonly answer: string; readonly clientPort: number }> => {
  const socket = connect({ port, host: '127.0.0.1', localAddress: from, allowHalfOpen: true });
  await once(socket, 'connect');
  const connection = new RawConnection(socket);
  const clientPort = (socket.address() as AddressInfo).port;
  connection.send('GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n');
  const answer = await connection.untilEnd();
  socket.destroy();
  return { answer, clientPort };
};

for (const [option, version] of [
  ['send-proxy', 1],
  ['send-proxy-v2', 2],
  ['send-proxy-v2 proxy-v2-options crc32c,unique-id', 2],
] as const) {
  test(`HAProxy in front with ${option}: the gateway knows the client`, { skip: missing('haproxy') }, async () => {
    const upstream = new RawUpstream((connection) => onRequests(connection, (request) => ok(request)));
    const rig = await startRig(
      {
        hosts: [
          ['http|*', { listener: 'http', hostname: '*', routes: [testRoute('/', [{ backend: 'a', weight: 1 }])] }],
        ],
        backends: [testBackend('a', [await upstream.listen()])],
      },
      { proxyProtocolFrom: ['127.0.0.1'] },
    );
    const port = await freePort();
    await startHaproxy(
      `front-${version}-${option.length}`,
      port,
      `frontend f\n  bind 127.0.0.1:${port}\n  mode tcp\n  unique-id-format %ID\n  default_backend b\nbackend b\n  mode tcp\n  source 127.0.0.1\n  server s 127.0.0.1:${rig.port} ${option}`,
    );
    const { answer } = await get(port, '127.0.0.5');
    assert.match(answer, /x-forwarded-for: 127\.0\.0\.5\r\n/i);
    await rig.stop();
    await upstream.close();
  });
}

/** A gateway whose backend gets headers, and the client's port as the backend saw it. */
async function throughGateway(version: 'v1' | 'v2', port: number): Promise<void> {
  const backend: readonly [string, RouteBackend] = ['a', { ...testBackend('a', [port])[1], proxyProtocol: version }];
  const rig = await startRig({
    hosts: [['http|*', { listener: 'http', hostname: '*', routes: [testRoute('/', [{ backend: 'a', weight: 1 }])] }]],
    backends: [backend],
  });
  const { answer, clientPort } = await get(rig.port);
  assert.match(answer, new RegExp(`client=127\\.0\\.0\\.1:${clientPort} at=${rig.port}`));
  await rig.stop();
}

for (const version of ['v1', 'v2'] as const) {
  test(`HAProxy behind with accept-proxy takes ${version}`, { skip: missing('haproxy') }, async () => {
    const port = await freePort();
    await startHaproxy(
      `back-${version}`,
      port,
      `frontend f\n  bind 127.0.0.1:${port} accept-proxy\n  mode http\n  http-request return status 200 content-type text/plain lf-string "client=%[src]:%[src_port] at=%[dst_port]"`,
    );
    await throughGateway(version, port);
  });

  test(`nginx behind with proxy_protocol takes ${version}`, { skip: missing('nginx') }, async () => {
    const port = await freePort();
    const file = join(folder, `nginx-${version}.conf`);
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((name) => `${name}_temp_path ${join(folder, name)};`)
      .join(' ');
    writeFileSync(
      file,
      `daemon off; master_process off; pid ${join(folder, `nginx-${version}.pid`)}; error_log /dev/null;
events {} http { access_log off; ${temporary} server { listen 127.0.0.1:${port} proxy_protocol;
location / { return 200 "client=$proxy_protocol_addr:$proxy_protocol_port at=$proxy_protocol_server_port"; } } }`,
    );
    await start('nginx', ['-e', '/dev/null', '-c', file], port);
    await throughGateway(version, port);
  });
}
