import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:http2';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import { type Clock, systemClock, systemRandom } from '../../sys/clock.ts';
import { decodeMessage } from '../../wire/dns/message.ts';
import { answerText, compileAll, encodeQuery, makeCertificate, makeService } from '../dns-fixtures.ts';
import { clusterZone } from '../program.ts';
import { DnsServer } from './dns-server.ts';
import { paddingBlockBytes } from './padding.ts';
import type { TlsFiles } from './tcp-server.ts';

const zone = clusterZone('cluster.local', 5);
const web = 'web.shop.svc.cluster.local';
const expected = ['NOERROR aa', `an ${web} 5 A 10.96.0.1`];
const lacks = (program: string): string | false =>
  spawnSync('which', [program]).status === 0 ? false : `${program} is not installed`;
const skip = lacks('openssl');
const run = promisify(execFile);

let server: DnsServer;
let folder = '';
let cert = '';
let files: TlsFiles;
/** What a look at the files finds instead, once a test has set it. */
let renewed: TlsFiles | undefined;
/** Looks at the files that are due. */
const checks = new Set<() => void>();

/** Timers as they are, but looks at the files only when the test says so. */
const takeTimer: Clock['after'] = (delayMs, callback) => {
  if (delayMs !== 5000) return systemClock.after(delayMs, callback);
  checks.add(callback);
  return () => checks.delete(callback);
};

before(async () => {
  if (skip !== false) return;
  folder = mkdtempSync(join(tmpdir(), 'fairlead-dns-'));
  files = makeCertificate(folder);
  cert = files.cert;
  const listen = [{ family: 'ipv4' as const, address: '127.0.0.1', port: 0 }];
  server = new DnsServer({
    zone,
    listen,
    upstreams: [],
    workers: 1,
    secure: { files, readFiles: () => renewed ?? files, tls: listen, https: listen },
    clock: { ...systemClock, after: takeTimer },
    random: systemRandom,
    log: () => {},
  });
  server.setSource('web', compileAll(makeService('shop/web', ['10.96.0.1']), [], { zone: zone.origin, ttlSeconds: 5 }));
  server.markSynced();
  await server.start();
});

after(async () => {
  await server?.stop();
  if (folder !== '') rmSync(folder, { recursive: true });
});

/** A query with a padding option. */
function paddedQuery(): Buffer {
  const query = encodeQuery(web, 'A', { edns: 1232 });
  const bytes = Buffer.concat([query, Uint8Array.of(0, 12, 0, 3, 0, 0, 0)]);
  bytes.writeUInt16BE(7, query.length - 2);
  return bytes;
}

test('DNS over TLS: framed, padded when asked', { skip, timeout: 120_000 }, async () => {
  const { port } = server.secureAddresses.tls[0]!;
  const socket = connectTls({ host: '127.0.0.1', port, ca: cert, servername: 'dns.test', ALPNProtocols: ['dot'] });
  await once(socket, 'secureConnect');
  assert.equal(socket.alpnProtocol, 'dot');
  const query = paddedQuery();
  socket.write(Buffer.concat([Uint8Array.of(0, query.length), query]));
  let received = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    received = Buffer.concat([received, chunk]);
    if (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) break;
  }
  const length = received.readUInt16BE(0);
  assert.equal(length, paddingBlockBytes);
  assert.deepEqual(answerText(decodeMessage(received.subarray(2, 2 + length))!), expected);
});

test('DNS over HTTPS: GET, POST and what is refused', { skip, timeout: 120_000 }, async (t) => {
  const { port } = server.secureAddresses.https[0]!;
  const session = connect(`https://127.0.0.1:${port}`, { ca: cert });
  const message = encodeQuery(web, 'A');
  const get = `/dns-query?dns=${Buffer.from(message).toString('base64url')}`;
  const dns = { 'content-type': 'application/dns-message' };
  type Row = readonly [title: string, headers: Record<string, string>, body: Uint8Array | undefined, status: number];
  const rows: readonly Row[] = [
    ['GET', { ':path': get }, undefined, 200],
    ['POST', { ':path': '/dns-query', ':method': 'POST', ...dns }, message, 200],
    ['another path', { ':path': '/' }, undefined, 404],
    ['no parameter', { ':path': '/dns-query' }, undefined, 400],
    ['not base64url', { ':path': '/dns-query?dns=a+b' }, undefined, 400],
    ['a message of no use', { ':path': '/dns-query?dns=AAAA' }, undefined, 400],
    ['another method', { ':path': '/dns-query', ':method': 'PUT', ...dns }, message, 405],
    ['another media type', { ':path': '/dns-query', ':method': 'POST', 'content-type': 'text/plain' }, message, 415],
    [
      'too long a body',
      { ':path': '/dns-query', ':method': 'POST', ...dns, 'content-length': '65536' },
      new Uint8Array(65536),
      413,
    ],
  ];
  for (const [title, headers, body, status] of rows) {
    await t.test(title, async () => {
      const stream = session.request(headers, { endStream: body === undefined });
      stream.on('error', () => {});
      if (body !== undefined) stream.end(body);
      const [answer] = (await once(stream, 'response')) as [Record<string, string | number>];
      assert.equal(answer[':status'], status);
      const chunks: Buffer[] = [];
      for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
      if (status !== 200) return;
      assert.equal(answer['cache-control'], 'max-age=5');
      assert.deepEqual(answerText(decodeMessage(Buffer.concat(chunks))!), expected);
    });
  }
  session.close();
  await t.test('HTTP/1.1', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      request({ host: '127.0.0.1', port, path: get, ca: cert }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode));
      })
        .on('error', reject)
        .end();
    });
    assert.equal(status, 200);
  });
});

test('real client: kdig over TLS and HTTPS', { skip: skip || lacks('kdig'), timeout: 120_000 }, async () => {
  const { tls, https } = server.secureAddresses;
  for (const [port, args] of [
    [tls[0]!.port, ['+tls', `+tls-ca=${join(folder, 'cert.pem')}`, '+tls-hostname=dns.test', '+padding']],
    [https[0]!.port, ['+https']],
  ] as const) {
    const { stdout } = await run('kdig', ['@127.0.0.1', '-p', String(port), ...args, '+short', web, 'A']);
    assert.equal(stdout, '10.96.0.1\n');
  }
});

test('a renewed certificate is used for new connections; half of a pair changes nothing', {
  skip,
  timeout: 120_000,
}, async () => {
  const look = (): void => {
    for (const check of [...checks]) {
      checks.delete(check);
      check();
    }
  };
  const nameAt = async (port: number): Promise<string | undefined> => {
    const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, servername: 'dns.test' });
    await once(socket, 'secureConnect');
    const name = socket.getPeerCertificate().subject.CN;
    socket.destroy();
    return String(name);
  };
  const ports = [server.secureAddresses.tls[0]!.port, server.secureAddresses.https[0]!.port];
  const kept = connectTls({ host: '127.0.0.1', port: ports[0]!, ca: cert, servername: 'dns.test' });
  await once(kept, 'secureConnect');
  const next = makeCertificate(folder, 'renewed.test');
  renewed = { cert: next.cert, key: files.key };
  look();
  for (const port of ports) assert.equal(await nameAt(port), 'dns.test', 'the key does not belong to it yet');
  assert.equal(server.stats.failedReloads, 1);
  renewed = next;
  look();
  for (const port of ports) assert.equal(await nameAt(port), 'renewed.test');
  const query = encodeQuery(web, 'A');
  kept.write(Buffer.concat([Uint8Array.of(0, query.length), query]));
  const [frame] = (await once(kept, 'data')) as [Buffer];
  assert.deepEqual(answerText(decodeMessage(frame.subarray(2))!), expected, 'older connections go on');
  kept.destroy();
});
