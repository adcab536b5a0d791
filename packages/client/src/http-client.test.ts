import assert from 'node:assert/strict';
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type ConfigMap, configMaps, namespaces, type Stored } from '@fairlead/api';
import { type ApiClient, type ApiError, isNotFound, type WatchEventOf } from './api-client.ts';
import { type ConnectOptions, connect } from './http-client.ts';

// An address of this process's own: nobody else gets the port of a server that is closed for a moment.
const host = `127.98.${process.pid & 255}.${((process.pid >> 8) & 127) + 1}`;

type Handler = (stream: ServerHttp2Stream, headers: Record<string, unknown>, body: string) => void;

describe('http client against a bare HTTP/2 server', { timeout: 120_000 }, () => {
  let server: Http2Server;
  let handle: Handler;
  const sessions = new Set<ServerHttp2Session>();
  const clients: ApiClient[] = [];

  beforeEach(async () => {
    server = createServer();
    server.on('session', (session) => {
      sessions.add(session);
      session.on('close', () => sessions.delete(session));
    });
    server.on('stream', (stream: ServerHttp2Stream, headers) => {
      stream.on('error', () => undefined);
      let body = '';
      stream.setEncoding('utf8');
      stream.on('data', (chunk: string) => {
        body += chunk;
      });
      stream.on('end', () => handle(stream, headers as Record<string, unknown>, body));
    });
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) await client.close();
    for (const session of sessions) session.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });

  function client(options: ConnectOptions = {}): ApiClient {
    const { port } = server.address() as AddressInfo;
    const made = connect({ server: `http://${host}:${port}`, namespace: 'default', token: 'secret' }, options);
    clients.push(made);
    return made;
  }
  const answer = (stream: ServerHttp2Stream, status: number, body: unknown): void => {
    stream.respond({ ':status': status, 'content-type': 'application/json' });
    stream.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
  const object = (name: string): Stored<ConfigMap> => ({
    metadata: { name, namespace: 'default', uid: 'u', resourceVersion: '5', creationTimestamp: '2026-01-01T00:00:00Z' },
  });

  test('method, path, query, headers and body of every verb', async () => {
    const seen: string[] = [];
    handle = (stream, headers, body) => {
      assert.equal(headers.authorization, 'Bearer secret');
      seen.push([headers[':method'], headers[':path'], headers['content-type'] ?? '-', body].join(' '));
      answer(stream, 200, { items: [], metadata: { resourceVersion: '7', continue: '' } });
    };
    const api = client();
    const name = { name: 'a', namespace: 'n' };
    await api.get(configMaps, name);
    await api.list(configMaps, { namespace: 'n', labelSelector: 'a in (b,c)', limit: 5 });
    await api.create(configMaps, { metadata: name }, { fieldManager: 'm', dryRun: true });
    await api.update(configMaps, { metadata: name }, { subresource: 'status' });
    await api.patch(configMaps, name, 'apply', { x: 1 }, { fieldManager: 'm', force: true });
    await api.patch(configMaps, name, 'strategic', {});
    await api.delete(namespaces, { name: 'n' }, { propagationPolicy: 'Foreground' });
    await api.request('POST', '/apis/a/v1/x', { y: 1 });
    const path = '/api/v1/namespaces/n/configmaps';
    assert.deepEqual(seen, [
      `GET ${path}/a - `,
      `GET ${path}?labelSelector=a+in+%28b%2Cc%29&limit=5 - `,
      `POST ${path}?fieldManager=m&dryRun=All application/json {"metadata":{"name":"a","namespace":"n"}}`,
      `PUT ${path}/a/status application/json {"metadata":{"name":"a","namespace":"n"}}`,
      `PATCH ${path}/a?fieldManager=m&force=true application/apply-patch+yaml {"x":1}`,
      `PATCH ${path}/a application/strategic-merge-patch+json {}`,
      'DELETE /api/v1/namespaces/n application/json {"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Foreground"}',
      'POST /apis/a/v1/x application/json {"y":1}',
    ]);
    assert.equal(sessions.size, 1, 'one connection for all');
  });

  test('answers become errors', async () => {
    const api = client();
    const failing = (status: number, body: unknown): Promise<unknown> => {
      handle = (stream) => answer(stream, status, body);
      return api.get(configMaps, { name: 'a', namespace: 'n' });
    };
    const status = { kind: 'Status', reason: 'NotFound', message: 'configmaps "a" not found', code: 404 };
    await assert.rejects(
      failing(404, status),
      (error) => isNotFound(error) && (error as ApiError).status?.code === 404,
    );
    await assert.rejects(failing(502, 'bad gateway'), { code: 502, reason: 'Unknown', message: 'bad gateway' });
    await assert.rejects(failing(500, ''), { code: 500, message: 'HTTP status 500' });
  });

  test('a list hands its items over as they come, and rejects what is cut off', async () => {
    const body = JSON.stringify({
      metadata: { resourceVersion: '7', continue: 'more' },
      items: [object('a'), object('ü')],
    });
    const names: (string | undefined)[] = [];
    const api = client();
    const list = () =>
      api.listItems!(configMaps, { limit: 2 }, ({ metadata }) => {
        names.push(metadata.name);
      });
    handle = (stream, headers) => {
      assert.equal(headers[':path'], '/api/v1/configmaps?limit=2');
      stream.respond({ ':status': 200 });
      for (const byte of Buffer.from(body)) stream.write(Uint8Array.of(byte));
      stream.end();
    };
    assert.deepEqual(await list(), { resourceVersion: '7', continue: 'more' });
    assert.deepEqual(names, ['a', 'ü']);
    handle = (stream) => answer(stream, 200, body.slice(0, -9));
    await assert.rejects(list(), { name: 'ApiError', code: 0, reason: 'BadAnswer' });
    handle = (stream) => answer(stream, 410, { kind: 'Status', reason: 'Expired', message: 'too old' });
    await assert.rejects(list(), { name: 'ApiError', code: 410, reason: 'Expired' });
    handle = (stream) => {
      stream.respond({ ':status': 200 });
      stream.write(body.slice(0, 60), () => stream.session?.destroy());
    };
    await assert.rejects(list(), { name: 'ApiError', code: 0 });
  });

  test('a watch decodes lines cut anywhere, byte by byte', async () => {
    const events = ['a', 'bé€😀', 'c'].map((name) => ({ type: 'ADDED', object: object(name) }));
    handle = (stream) => {
      stream.respond({ ':status': 200 });
      const bytes = Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
      let at = 0;
      const next = (): void => {
        if (at === bytes.length) stream.end();
        else stream.write(bytes.subarray(at, ++at), next);
      };
      next();
    };
    const seen: WatchEventOf<ConfigMap>[] = [];
    for await (const event of client().watch(configMaps)) seen.push(event);
    assert.deepEqual(seen, events);
  });

  test('a watch ends when the connection breaks, and the next request opens another', async () => {
    handle = (stream, headers) => {
      if (!String(headers[':path']).includes('watch=true')) return answer(stream, 200, object('a'));
      stream.respond({ ':status': 200 });
      stream.write(`${JSON.stringify({ type: 'ADDED', object: object('a') })}\n`);
    };
    const api = client();
    let count = 0;
    for await (const _ of api.watch(configMaps)) {
      count++;
      for (const session of sessions) session.destroy();
    }
    assert.equal(count, 1);
    assert.equal((await api.get(configMaps, { name: 'a', namespace: 'n' })).metadata.name, 'a');
  });

  test('a slow reader holds the server back', async () => {
    let written = 0;
    let blocked: () => void;
    const full = new Promise<void>((resolve) => {
      blocked = resolve;
    });
    const line = `${JSON.stringify({ type: 'ADDED', object: { ...object('a'), data: { x: 'y'.repeat(60_000) } } })}\n`;
    handle = (stream) => {
      stream.respond({ ':status': 200 });
      const fill = (): void => {
        while (written < 40_000_000) {
          written += line.length;
          if (!stream.write(line)) {
            blocked();
            stream.once('drain', fill);
            return;
          }
        }
      };
      fill();
    };
    for await (const _ of client().watch(configMaps)) {
      await full;
      for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
      assert.ok(written < 8_000_000, `${written} bytes were taken from the server unread`);
      break;
    }
  });

  test('leaving a watch resets its stream', async () => {
    const closed = new Promise<void>((resolve) => {
      handle = (stream) => {
        stream.on('close', resolve);
        stream.respond({ ':status': 200 });
        stream.write(`${JSON.stringify({ type: 'ADDED', object: object('a') })}\n`);
      };
    });
    for await (const _ of client().watch(configMaps)) break;
    await closed;
  });

  test('no answer: the request fails at its deadline, the connection stays', async () => {
    handle = () => undefined;
    const api = client({ requestTimeoutMs: 500 });
    await assert.rejects(api.get(configMaps, { name: 'a', namespace: 'n' }), { code: 0, reason: 'Timeout' });
    assert.equal(sessions.size, 1);
  });

  test('of several servers the next is used, and kept', async () => {
    handle = (stream, headers) => {
      if (!String(headers[':path']).includes('watch=true')) return answer(stream, 200, object('a'));
      stream.respond({ ':status': 200 });
      stream.write(`${JSON.stringify({ type: 'ADDED', object: object('a') })}\n`);
    };
    const { port } = server.address() as AddressInfo;
    const otherServers = ['http://127.0.0.1:2', `http://${host}:${port}`];
    const api = connect({ server: 'http://127.0.0.1:1', otherServers, namespace: 'default', token: 'secret' });
    clients.push(api);
    for await (const _ of api.watch(configMaps)) for (const session of sessions) session.destroy();
    assert.equal((await api.get(configMaps, { name: 'a', namespace: 'n' })).metadata.name, 'a');
    // The last one went, too: all are tried, and it is told.
    for (const session of sessions) session.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    await assert.rejects(api.get(configMaps, { name: 'a', namespace: 'n' }), { code: 0, reason: 'Unreachable' });
    server.listen(port, host);
    assert.equal((await api.get(configMaps, { name: 'a', namespace: 'n' })).metadata.name, 'a');
  });

  test('nobody listens: Unreachable', async () => {
    const api = connect({ server: 'http://127.0.0.1:1', namespace: 'default' });
    await assert.rejects(api.get(configMaps, { name: 'a', namespace: 'n' }), { code: 0, reason: 'Unreachable' });
    await api.close();
    await assert.rejects(api.get(configMaps, { name: 'a', namespace: 'n' }), { code: 0, reason: 'Closed' });
  });
});
