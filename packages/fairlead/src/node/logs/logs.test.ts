import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../sys/clock.ts';
import { formatCriRecords, openContainerLog } from '../runtime/container-log.ts';
import { parseLogQuery, startLogServer } from './log-server.ts';
import { createLogFormatter, readLog, tailOf } from './read-log.ts';

function folder(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'fairlead-logs-'));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const all = { follow: false, timestamps: false, tailLines: undefined, since: undefined, limitBytes: undefined };

test('CRI records: lines, a line over two chunks, a very long line in parts', () => {
  const first = formatCriRecords('stdout', Buffer.alloc(0), Buffer.from('a\nb'), 0);
  assert.equal(first.records.toString(), '1970-01-01T00:00:00.000000000Z stdout F a\n');
  assert.equal(first.rest.toString(), 'b');
  const second = formatCriRecords('stdout', first.rest, Buffer.from('c\n\n'), 1);
  assert.match(second.records.toString(), /\.001000000Z stdout F bc\n.* F \n$/);
  const long = formatCriRecords('stderr', Buffer.alloc(0), Buffer.from(`${'x'.repeat(20_000)}\n`), 0);
  assert.match(long.records.toString(), /stderr P x{16384}\n.*stderr F x{3616}\n$/);
});

test('what was written is what is read, whatever the chunks', (context) => {
  const path = join(folder(context), 'c', '0.log');
  const text = `one\n${'long '.repeat(10_000)}\n\nünïcödé\nno newline at the end`;
  const bytes = Buffer.from(text);
  for (const size of [1, 7, 4096, bytes.length]) {
    rmSync(path, { force: true });
    const log = openContainerLog(path, () => 0);
    for (let at = 0; at < bytes.length; at += size) log.write('stdout', bytes.subarray(at, at + size));
    log.close();
    assert.equal(readLog(path, all).text.toString(), text, `chunks of ${size}`);
  }
});

test('rotation keeps one older file and loses nothing of both', (context) => {
  const path = join(folder(context), '0.log');
  const log = openContainerLog(path, () => 0, 1000);
  for (let line = 0; line < 30; line++) log.write('stdout', Buffer.from(`line ${line}\n`));
  log.close();
  assert.ok(existsSync(`${path}.1`));
  assert.ok(readFileSync(path).length <= 1000);
  const lines = readLog(path, all).text.toString().trim().split('\n');
  assert.equal(lines.at(-1), 'line 29');
  const first = Number(lines[0]!.split(' ')[1]);
  assert.deepEqual(
    lines,
    Array.from({ length: 30 - first }, (_, index) => `line ${first + index}`),
  );
});

for (const [lines, expected] of [
  [0, ''],
  [1, 'c\n'],
  [2, 'b\nc\n'],
  [9, 'a\nb\nc\n'],
] as const) {
  test(`tail of ${lines}`, () => assert.equal(tailOf(Buffer.from('a\nb\nc\n'), lines).toString(), expected));
}

test('formatter: timestamps once per line, since, fed byte by byte', () => {
  const data = Buffer.from(
    '2026-01-01T00:00:00.000000000Z stdout P ab\n2026-01-01T00:00:01.000000000Z stdout F c\n2026-01-01T00:00:02.000000000Z stderr F d\n',
  );
  const run = (query: object, step: number): string => {
    const format = createLogFormatter({ timestamps: false, since: undefined, ...query });
    let out = '';
    for (let at = 0; at < data.length; at += step) out += format(data.subarray(at, at + step)).toString();
    return out;
  };
  for (const step of [1, 5, data.length]) {
    assert.equal(run({}, step), 'abc\nd\n');
    assert.equal(
      run({ timestamps: true }, step),
      '2026-01-01T00:00:00.000000000Z abc\n2026-01-01T00:00:02.000000000Z d\n',
    );
    assert.equal(run({ since: Date.parse('2026-01-01T00:00:02Z') }, step), 'd\n');
  }
});

test('query: mistakes are named', () => {
  const parse = (text: string) => parseLogQuery(new URLSearchParams(text), 10_000);
  assert.deepEqual(parse('follow=true&tailLines=3&sinceSeconds=4&timestamps=true&limitBytes=9'), {
    follow: true,
    timestamps: true,
    tailLines: 3,
    since: 6000,
    limitBytes: 9,
  });
  assert.deepEqual(parse('tailLines=-1'), { error: 'tailLines must be a number of at least 0' });
  assert.deepEqual(parse('sinceTime=x'), { error: 'sinceTime must be an RFC 3339 time' });
});

test('log server: token, unknown container, tail and limit, follow to the end across a rotation', async (context) => {
  const path = join(folder(context), '0.log');
  const line = (text: string): string => `2026-01-01T00:00:00.000000000Z stdout F ${text}\n`;
  writeFileSync(path, line('one') + line('two'));
  let running = true;
  const server = await startLogServer({
    host: '127.0.0.1',
    port: 0,
    token: 'secret',
    upgrade: (_request, socket) => socket.destroy(),
    clock: systemClock,
    find: (_namespace, pod) =>
      pod === 'p' ? { path, running: () => running } : { notFound: true, message: `pods "${pod}" not found` },
  });
  context.after(() => server.stop());
  const get = (rest: string, token = 'secret') =>
    fetch(`http://127.0.0.1:${server.port}/containerLogs/${rest}`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await get('ns/p/c', 'wrong')).status, 401);
  const missing = await get('ns/q/c');
  assert.equal(missing.status, 404);
  assert.equal(await missing.text(), 'pods "q" not found\n');
  assert.equal((await get('ns/p/c?tailLines=x')).status, 400);
  assert.equal(await (await get('ns/p/c?tailLines=1')).text(), 'two\n');
  assert.equal(await (await get('ns/p/c?limitBytes=2')).text(), 'on');

  const response = await get('ns/p/c?follow=true');
  const reader = response.body!.getReader();
  const readUntil = async (end: string): Promise<string> => {
    let text = '';
    while (!text.endsWith(end)) {
      const { value, done } = await reader.read();
      if (done) break;
      text += Buffer.from(value).toString();
    }
    return text;
  };
  assert.equal(await readUntil('two\n'), 'one\ntwo\n');
  appendFileSync(path, line('three'));
  assert.equal(await readUntil('three\n'), 'three\n');
  running = false;
  appendFileSync(path, line('four'));
  assert.equal(await readUntil('never'), 'four\n');
});
