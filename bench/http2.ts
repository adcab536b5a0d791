import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Http2Connection } from '../packages/fairlead/src/wire/http2/connection.ts';
import { http2Scratch } from '../packages/fairlead/src/wire/http2/events.ts';
import { FieldList } from '../packages/fairlead/src/wire/http2/field-list.ts';
import { OutputBuffer } from '../packages/fairlead/src/wire/http2/output-buffer.ts';
import { DEFAULT_HTTP2_OPTIONS } from '../packages/fairlead/src/wire/http2/settings.ts';
import { measureCpu } from './process-cpu.ts';
import { median, printTable } from './table.ts';

const run = promisify(execFile);
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const BODY = 'x'.repeat(100);
const REQUESTS = 40_000;
const ROUNDS = 3;
/** Connections and streams on each. */
const SHAPES = [
  [16, 10],
  [64, 1],
] as const;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const nginx = (folder: string, name: string, body: string): string => `
worker_processes 1; daemon off; pid ${join(folder, `${name}.pid`)}; error_log ${join(folder, 'error.log')} crit;
events { worker_connections 4096; }
http {
  access_log off; client_body_temp_path ${join(folder, 'b')}; proxy_temp_path ${join(folder, 'p')};
  fastcgi_temp_path ${join(folder, 'f')}; uwsgi_temp_path ${join(folder, 'u')}; scgi_temp_path ${join(folder, 's')};
  keepalive_requests 100000000; keepalive_timeout 600s;
${body}
}`;

/** Node's own HTTP/2 server, answering by itself: what its codec and streams cost without any proxying. */
const NODE_SERVER = `
const http2 = require('node:http2');
http2.createServer().on('stream', (stream) => {
  stream.respond({ ':status': 200, 'content-type': 'text/plain' });
  stream.end('${BODY}');
}).listen(Number(process.argv[1]), '127.0.0.1');`;

function threadCpuUs(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

/** CPU microseconds per request that the codec alone takes: a request's frames in, a response's frames out. */
function codecUs(): number {
  const serverOut = new OutputBuffer();
  const clientOut = new OutputBuffer();
  const body = Buffer.from(BODY);
  const head = new FieldList();
  for (const [name, value] of [
    [':status', '200'],
    ['server', 'nginx'],
    ['date', 'Sat, 21 Nov 2026 14:00:00 GMT'],
    ['content-type', 'text/plain'],
    ['content-length', '100'],
  ] as const) {
    head.addText(name, value);
  }
  const ignore = {
    onInterim() {},
    onData() {},
    onTrailers() {},
    onReset() {},
    onWritable() {},
    onGoaway() {},
    onConnectionError() {},
  };
  const server: Http2Connection<undefined> = new Http2Connection(
    'server',
    DEFAULT_HTTP2_OPTIONS,
    {
      ...ignore,
      onHead(stream) {
        server.sendHeaders(stream, head, false);
        server.sendData(stream, body, 0, body.length, true);
      },
    },
    serverOut,
    http2Scratch(),
  );
  const client: Http2Connection<undefined> = new Http2Connection(
    'client',
    DEFAULT_HTTP2_OPTIONS,
    { ...ignore, onHead() {}, onData: (stream, _bytes, start, end) => client.consume(stream, end - start) },
    clientOut,
    http2Scratch(),
  );
  const request = new FieldList();
  for (const [name, value] of [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':authority', 'shop.example'],
    [':path', '/api/items/1234?page=2'],
    ['user-agent', 'Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/150.0'],
    ['accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
    ['accept-encoding', 'gzip, deflate, br'],
    ['cookie', 'session=0123456789abcdef0123456789abcdef'],
  ] as const) {
    request.addText(name, value);
  }
  server.start();
  client.start();
  let serverUs = 0;
  const batch = 50;
  const total = 200_000;
  let now = 0;
  for (let done = 0; done < total; done += batch) {
    now += 10;
    for (let i = 0; i < batch; i++) client.openStream(request, true, false);
    const began = threadCpuUs();
    server.feed(clientOut.bytes, 0, clientOut.length, now);
    // The first half warms up.
    if (done >= total / 2) serverUs += threadCpuUs() - began;
    clientOut.clear();
    client.feed(serverOut.bytes, 0, serverOut.length, now);
    serverOut.clear();
  }
  return serverUs / (total / 2);
}

/** HTTP/2 to HTTP/1.1: CPU per request beside nginx, and beside node:http2 as a bare server. */
export async function runHttp2Bench(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'http2-bench-'));
  const children: ChildProcess[] = [];
  const launch = (command: string, args: string[]): number => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    children.push(child);
    return child.pid!;
  };
  try {
    const file = (name: string, text: string): string => {
      const path = join(folder, name);
      writeFileSync(path, text);
      return path;
    };
    const upstream = await freePort();
    const respond = `default_type text/plain; return 200 "${BODY}";`;
    launch('nginx', [
      '-c',
      file('up.conf', nginx(folder, 'up', `server { listen 127.0.0.1:${upstream}; location / { ${respond} } }`)),
    ]);
    const ports = [await freePort(), await freePort(), await freePort()] as const;
    const proxy = `upstream app { server 127.0.0.1:${upstream}; keepalive 256; keepalive_requests 100000000; }
 proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $http_host; proxy_set_header X-Forwarded-Port $server_port;
  proxy_set_header X-Route shop; proxy_hide_header Server; add_header X-Served-By edge;
  server { listen 127.0.0.1:${ports[1]} http2; location / { proxy_pass http://app; } }`;
    const gateway = fileURLToPath(new URL('l7-gateway.ts', import.meta.url));
    const peers = [
      { name: 'Fairlead', port: ports[0], pid: launch(process.execPath, [gateway, `${ports[0]}`, `${upstream}`]) },
      {
        name: 'nginx',
        port: ports[1],
        pid: launch('nginx', ['-c', file('proxy.conf', nginx(folder, 'proxy', proxy))]),
      },
      {
        name: 'node:http2, no proxying',
        port: ports[2],
        pid: launch(process.execPath, ['-e', NODE_SERVER, `${ports[2]}`]),
      },
    ];
    await sleep(2500);
    const rows: (string | number)[][] = [];
    for (const [connections, streams] of SHAPES) {
      const samples = new Map<string, { cpu: number; rate: number }[]>();
      for (let round = 0; round <= ROUNDS; round++) {
        for (const { name, port, pid } of peers) {
          const { cpuUs, result } = await measureCpu(pid, () =>
            run('h2load', [
              ...['-n', `${REQUESTS}`, '-c', `${connections}`, '-m', `${streams}`, '-t', '1'],
              `http://127.0.0.1:${port}/api/items/1`,
            ]),
          );
          if (!result.stdout.includes(`${REQUESTS} succeeded`)) throw new Error(`${name}: ${result.stdout}`);
          const rate = Number(/, ([\d.]+) req\/s/.exec(result.stdout)?.[1]);
          // The first round warms up.
          if (round > 0) samples.set(name, [...(samples.get(name) ?? []), { cpu: cpuUs / REQUESTS, rate }]);
        }
      }
      for (const { name } of peers) {
        const own = samples.get(name)!;
        rows.push([
          `${connections} x ${streams}`,
          name,
          median(own.map(({ cpu }) => cpu)),
          median(own.map(({ rate }) => rate)),
        ]);
      }
    }
    printTable(
      'HTTP/2 to HTTP/1.1, 100-byte body',
      ['connections x streams', 'peer', 'CPU us/request', 'requests/s'],
      rows,
    );
    printTable('Codec alone, in memory', ['what', 'us/request'], [['request in, response out', codecUs()]]);
  } finally {
    for (const child of children) child.kill('SIGTERM');
    await sleep(500);
    rmSync(folder, { recursive: true, force: true });
  }
}
