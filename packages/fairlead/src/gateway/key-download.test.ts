import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createPlain, type Server } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { systemClock } from '../sys/clock.ts';
import { downloadKeys } from './key-download.ts';
import { selfSignedIdentity } from './self-signed.ts';

const identity = selfSignedIdentity('localhost', systemClock.now());
let server: Server;
let plain: Server;
let base = '';
let plainBase = '';
let requests = 0;

before(async () => {
  server = createServer({ cert: identity.certificate, key: identity.privateKey }, (request, response) => {
    requests++;
    if (request.url === '/jwks') response.end('{"keys":[1]}');
    else if (request.url === '/moved') response.writeHead(302, { location: '/jwks' }).end();
    else if (request.url === '/long') response.end('x'.repeat(1024 * 1024 + 1));
    else if (request.url === '/broken') {
      response.writeHead(200, { 'content-length': '100' }).write('{');
      setImmediate(() => request.socket.destroy());
    } else if (request.url !== '/hang') response.writeHead(404).end('{"keys":[]}');
  });
  plain = createPlain((_, response) => response.end('{"keys":[2]}'));
  for (const each of [server, plain]) {
    each.listen(0, '127.0.0.1');
    await once(each, 'listening');
  }
  base = `https://localhost:${(server.address() as AddressInfo).port}`;
  plainBase = `http://localhost:${(plain.address() as AddressInfo).port}`;
});
after(() => {
  for (const each of [server, plain]) {
    each.closeAllConnections();
    each.close();
  }
});

const fetch = (path: string, ca: readonly string[] = [identity.certificate]): Promise<string> =>
  downloadKeys(`${base}${path}`, { ca, allowsLocal: true, timeoutMs: 10_000 });

test('a set of keys', async () => {
  assert.equal(await fetch('/jwks'), '{"keys":[1]}');
  assert.equal(await downloadKeys(plainBase, { allowsLocal: true, timeoutMs: 10_000 }), '{"keys":[2]}');
});

test('a server that cannot prove who it is', async () => {
  requests = 0;
  await assert.rejects(fetch('/jwks', []), /keys|certificate/i);
  const other = base.replace('localhost', '127.0.0.1');
  const options = { ca: [identity.certificate], allowsLocal: true, timeoutMs: 10_000 };
  await assert.rejects(downloadKeys(`${other}/jwks`, options), /127\.0\.0\.1/);
  assert.equal(requests, 0);
});

for (const [path, problem] of [
  ['/moved', /answers 302/],
  ['/nowhere', /answers 404/],
  ['/long', /longer than/],
  ['/broken', /aborted|hang up|closed/],
] as const) {
  test(`${path} is refused`, () => assert.rejects(fetch(path), problem));
}

test('no answer in time', async () => {
  const options = { ca: [identity.certificate], allowsLocal: true, timeoutMs: 100 };
  await assert.rejects(downloadKeys(`${base}/hang`, options), { code: 'keys' });
});

for (const host of ['localhost', '127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '169.254.169.254', '0.0.0.0']) {
  test(`${host} is not asked`, async () => {
    requests = 0;
    const url = base.replace('localhost', host);
    await assert.rejects(downloadKeys(`${url}/jwks`, { timeoutMs: 10_000 }), /local address/);
    assert.equal(requests, 0);
  });
}
