import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { type RunningAdminServer, startAdminServer } from './admin-server.ts';
import { LineFeed, type TakeLines } from './line-feed.ts';
import { MetricRegistry } from './metrics.ts';

let folder: string;
let server: RunningAdminServer;
/** Takes lines of the source that runs. */
let tell: TakeLines | undefined;
let starts: number;
let stopped: PromiseWithResolvers<void>;
const clients: IncomingMessage[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fairlead-feed-'));
  starts = 0;
  stopped = Promise.withResolvers();
  const tap = new LineFeed([
    (take) => {
      starts++;
      tell = take;
      return () => {
        tell = undefined;
        stopped.resolve();
      };
    },
  ]);
  server = await startAdminServer({ port: 0, socket: join(folder, 's'), metrics: new MetricRegistry(), tap, log() {} });
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await server.stop();
  rmSync(folder, { recursive: true });
});

async function listen(): Promise<IncomingMessage> {
  const [response] = (await once(get({ socketPath: join(folder, 's'), path: '/tap' }), 'response')) as [
    IncomingMessage,
  ];
  clients.push(response);
  return response;
}

/** The next lines of a stream, so many. */
async function read(stream: IncomingMessage, count: number): Promise<string[]> {
  let text = '';
  while (text.split('\n').length <= count) {
    const chunk: Buffer | null = stream.read();
    if (chunk === null) await once(stream, 'readable');
    else text += chunk;
  }
  return text.trimEnd().split('\n');
}

test('the source runs while somebody listens, once for all of them', async () => {
  assert.equal(starts, 0);
  const one = await listen();
  const two = await listen();
  assert.equal(starts, 1);
  tell!('{"a":1}\n{"a":2}\n');
  for (const stream of [one, two]) assert.deepEqual(await read(stream, 2), ['{"a":1}', '{"a":2}']);
  one.destroy();
  two.destroy();
  await stopped.promise;
  assert.equal(tell, undefined);
});

test('who reads slowly loses lines, and is told how many', async () => {
  const stream = await listen();
  let told = 0;
  const tellOne = (text: string): void => {
    told++;
    tell!(`${JSON.stringify({ text })}\n`);
  };
  // More than the socket and the feed hold together, while nobody reads.
  for (let i = 0; i < 20_000; i++) tellOne('x'.repeat(1000));
  let received = 0;
  let dropped = 0;
  let rest = '';
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      const row = JSON.parse(line) as { readonly dropped?: number };
      if (row.dropped === undefined) received++;
      else dropped += row.dropped;
    }
    // There is room again at some time; the first line that has it tells of those before.
    if (dropped === 0) tellOne('more');
    else if (received + dropped === told) break;
  }
  assert.ok(received > 0 && dropped > 0);
  assert.equal(received + dropped, told);
});

test('there are not too many listeners', async () => {
  for (let i = 0; i < 8; i++) assert.equal((await listen()).statusCode, 200);
  assert.equal((await listen()).statusCode, 503);
});

test('there is none at an address', async () => {
  const open = await startAdminServer({ port: 0, metrics: new MetricRegistry(), tap: new LineFeed([]), log() {} });
  const [response] = (await once(get({ port: open.port, path: '/tap' }), 'response')) as [IncomingMessage];
  response.resume();
  assert.equal(response.statusCode, 404);
  await open.stop();
});
