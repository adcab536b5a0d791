import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { checkExposition } from '../packages/fairlead/src/telemetry/check-exposition.ts';
import { annotatedIngress, web } from './echo-manifest.ts';
import { eventually, kernelSkip, startSystem, type TestSystem } from './system.ts';

const skip = kernelSkip('kubectl', 'curl');
let system: TestSystem;
let folder: string;

before(async () => {
  if (skip !== false) return;
  folder = mkdtempSync(join(tmpdir(), 'fairlead-answers-'));
  system = await startSystem({
    args: [
      ...['--gateway-access-log', join(folder, 'access.log'), '--gateway-access-log-fields', 'host,status,route,flags'],
      ...['--gateway-trace-otlp', 'http://127.0.0.1:4318', '--gateway-trace-sample', '100%'],
      ...['--gateway-metrics-listen', '127.0.0.1:9400'],
    ],
  });
  await system.apply(`${web('alpha', 3)}
---
apiVersion: v1
kind: ConfigMap
metadata: { name: pages }
data: { 5xx.html: '<h1>broken</h1>' }
${annotatedIngress('packed', 'alpha', { compression: 'gzip', 'compression-min-size': '0' })}
${annotatedIngress('sticky', 'alpha', { sticky: 'cookie name=sid' })}
${annotatedIngress('paged', 'nobody', { 'error-pages': 'configmap/pages' })}
${annotatedIngress('asked', 'nobody', { 'error-pages': 'service/alpha:80/page' })}
${annotatedIngress('missing', 'nobody', { 'error-pages': 'configmap/none' })}`);
  await system.kubectl('wait', 'deployment/alpha', '--for=condition=Available', '--timeout=100s');
});
after(async () => {
  await system?.dispose();
  if (folder !== undefined) rmSync(folder, { recursive: true });
});

const curl = async (host: string, ...more: readonly string[]): Promise<string> =>
  (await system.exec('curl', '-s', '-i', '-H', `Host: ${host}.example`, ...more, 'http://127.0.0.1/')).stdout;
const until = (host: string, expected: number, ...more: readonly string[]): Promise<string> =>
  eventually(`${expected} from ${host}`, async () => {
    const answer = await curl(host, ...more);
    return Number(answer.split(' ')[1]) === expected ? answer : undefined;
  });

test('answers are compressed for those who ask', { skip }, async () => {
  const plain = await until('packed', 200);
  assert.match(plain, /^vary: accept-encoding\r$/im);
  const file = join(folder, 'packed');
  const head = await curl('packed', '-H', 'Accept-Encoding: gzip', '-o', file, '-D', '-');
  assert.match(head, /^content-encoding: gzip\r$/im);
  // `-i` puts the head into the file too.
  const bytes = readFileSync(file);
  const packed = bytes.subarray(bytes.indexOf('\r\n\r\n') + 4);
  assert.equal(JSON.parse(gunzipSync(packed).toString()).path, '/');
});

test('a client stays with its Pod', { skip }, async () => {
  const podOf = (answer: string): string => /"pod":\s*"([^"]+)"/i.exec(answer)?.[1] ?? answer;
  const first = await until('sticky', 200);
  const cookie = /^set-cookie: (sid=[^;]+); Path=\/; HttpOnly; SameSite=Lax\r$/im.exec(first)?.[1];
  assert.ok(cookie, first);
  for (let i = 0; i < 8; i++) assert.equal(podOf(await curl('sticky', '-b', cookie)), podOf(first));
  const others = new Set<string>();
  await eventually('all Pods without it', async () => others.add(podOf(await curl('sticky'))).size === 3);
  await system.kubectl('delete', 'pod', podOf(first), '--wait=false');
  const moved = await eventually('another Pod', async () => {
    const answer = await curl('sticky', '-b', cookie);
    return podOf(answer) === podOf(first) || !answer.startsWith('HTTP/1.1 200') ? undefined : answer;
  });
  assert.match(moved, /^set-cookie: sid=/im);
});

test('errors have pages', { skip }, async () => {
  assert.match(await until('paged', 503), /content-type: text\/html; charset=utf-8\r\n.*<h1>broken<\/h1>$/s);
  const asked = await eventually('a page', async () => {
    const answer = await curl('asked');
    return /x-code/i.test(answer) ? answer : undefined;
  });
  assert.match(asked, /^HTTP\/1\.1 503 /);
  assert.match(asked, /"x-code":\s*"503"/i);
  assert.match(asked, /"path":\s*"\/page"/);
  await until('missing', 503);
  await eventually('an event', async () => {
    const events = await system.kubectl(
      'get',
      'events',
      '-o',
      'jsonpath={range .items[*]}{.reason} {.message}{"\\n"}{end}',
    );
    return /ConfigMapNotFound .*default\/none/.exec(events)?.[0];
  });
  await system.kubectl('patch', 'configmap', 'pages', '--type=merge', '-p', '{"data":{"5xx.html":"<h1>new</h1>"}}');
  await eventually('the new page', async () => ((await curl('paged')).endsWith('<h1>new</h1>') ? true : undefined));
});

test('requests are logged, also after the file was renamed', { skip }, async () => {
  const log = join(folder, 'access.log');
  const lines = (file: string): Record<string, unknown>[] =>
    readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  await curl('paged');
  const row = await eventually('a line', async () => lines(log).find(({ host }) => host === 'paged.example'));
  assert.deepEqual(row, { host: 'paged.example', status: 503, route: 'Ingress default/paged', flags: 'UH' });
  renameSync(log, `${log}.1`);
  await eventually('a new file', async () => {
    await curl('nowhere');
    try {
      return lines(log).some(({ host, flags }) => host === 'nowhere.example' && flags === 'NR') ? true : undefined;
    } catch {
      return undefined;
    }
  });
});

/** A collector in the system's network: prints the spans of a trace once it has both, and ends. */
const collector = `
  const spans = [];
  require('node:http').createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    response.end('{}');
    for (const { scopeSpans } of JSON.parse(text).resourceSpans) spans.push(...scopeSpans.flatMap(({ spans }) => spans));
    const own = spans.filter(({ traceId }) => traceId === process.argv[1]);
    if (own.length < 2) return;
    process.stdout.write(JSON.stringify(own));
    process.exit();
  }).listen(4318, '127.0.0.1');
  setTimeout(() => process.exit(1), 100_000);
`;

test('requests are traced to a collector', { skip }, async () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const collecting = system.exec(process.execPath, '-e', collector, traceId);
  const answer = await until('packed', 200, '-H', `traceparent: 00-${traceId}-b7ad6b7169203331-01`);
  const spans = JSON.parse((await collecting).stdout) as Record<string, unknown>[];
  const server = spans.find(({ kind }) => kind === 2);
  const client = spans.find(({ kind }) => kind === 3);
  assert.equal(server?.parentSpanId, 'b7ad6b7169203331');
  assert.equal(client?.parentSpanId, server?.spanId);
  assert.ok(answer.includes(`00-${traceId}-${client?.spanId}-01`), 'the Pod is told of its span');
});

test('requests are counted by route', { skip }, async () => {
  await until('paged', 503);
  const { stdout } = await system.exec('curl', '-s', 'http://127.0.0.1:9400/metrics');
  assert.deepEqual(checkExposition(stdout), []);
  const route = 'kind="Ingress",namespace="default",name="paged",service="",port="",class="5xx"';
  assert.match(stdout, new RegExp(`^fairlead_gateway_route_requests_total\\{${route}\\} [1-9]`, 'm'));
});
