import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pods, services } from '@fairlead/api';
import { FakeApi } from '@fairlead/client/fake-api';
import { systemClock, systemRandom } from '../../sys/clock.ts';
import { UsageError } from '../usage-error.ts';
import { type TapOptions, tapCommand } from './tap-command.ts';
import { isWanted, readKinds, type TapFilter } from './tap-filter.ts';
import { TapNames } from './tap-names.ts';
import { readTapLine, TAP_KINDS, type TapRow } from './tap-row.ts';
import { tapJson, tapText } from './tap-text.ts';

const time = '2026-11-22T01:02:03.456Z';
const request = {
  time,
  client: '10.244.0.4',
  method: 'GET',
  host: 'Shop.example:8080',
  target: '/cart?a=b',
  status: 200,
  durationMs: 1.26,
  backend: 'shop/web:http',
  upstream: '10.244.0.5:8080',
};
const query = {
  time,
  client: '10.244.0.5',
  protocol: 'udp',
  type: 'A',
  name: 'web.shop.svc.cluster.local',
  answer: 'NOERROR',
};
const connection = {
  time,
  protocol: 'TCP',
  client: { ip: '192.0.2.1', port: 40_000 },
  to: { ip: '10.96.0.7', port: 80 },
  endpoint: { ip: 'fd00::5', port: 8080 },
};
const row = (value: object): TapRow => readTapLine(JSON.stringify(value)) as TapRow;

const podOf = (name: string, ips: readonly string[]) => ({
  metadata: { namespace: 'shop', name },
  status: { podIPs: ips.map((ip) => ({ ip })) },
});
const webService = {
  metadata: { namespace: 'shop', name: 'web' },
  spec: {
    clusterIPs: ['10.96.0.7'],
    externalIPs: ['192.0.2.9'],
    ports: [
      { name: 'http', port: 80, nodePort: 30080 },
      { port: 53, protocol: 'UDP' as const },
    ],
  },
};
const names = new TapNames();
names.setPods([podOf('front', ['10.244.0.4']), podOf('web-1', ['10.244.0.5', 'fd00::5'])]);
names.setServices([webService]);

test('lines are told apart', () => {
  assert.deepEqual(
    [request, query, connection, { dropped: 3 }].map((value) => readTapLine(JSON.stringify(value)).kind),
    ['request', 'query', 'connection', 'dropped'],
  );
});

test('as text', () => {
  assert.deepEqual(
    [request, query, connection].map((value) => tapText(row(value), names)),
    [
      '01:02:03.456  request     shop/front  GET Shop.example:8080/cart?a=b  200  1.3 ms  -> shop/web:http  -> shop/web-1',
      '01:02:03.456  query       shop/web-1  A web.shop.svc.cluster.local  NOERROR',
      '01:02:03.456  connection  192.0.2.1  TCP 10.96.0.7:80 shop/web:http  -> [fd00::5]:8080 shop/web-1',
    ],
  );
  const { backend: _, upstream: __, ...unrouted } = request;
  assert.equal(
    tapText(row({ ...unrouted, status: 0, reason: 'client-gone', client: '192.0.2.1' }), new TapNames()),
    '01:02:03.456  request     192.0.2.1  GET Shop.example:8080/cart?a=b  no answer  1.3 ms  (client-gone)',
  );
});

test('what clients sent does not steer the terminal', () => {
  assert.match(tapText(row({ ...query, name: 'a\u001b[2J\u202eb' }), names), /A a\?\[2J\?b {2}NOERROR$/);
});

test('as JSON, with names', () => {
  assert.deepEqual(JSON.parse(tapJson(row(request), names)), {
    kind: 'request',
    ...request,
    clientPod: 'shop/front',
    endpointPod: 'shop/web-1',
  });
  assert.deepEqual(JSON.parse(tapJson(row(query), names)), { kind: 'query', ...query, clientPod: 'shop/web-1' });
  assert.deepEqual(JSON.parse(tapJson(row(connection), names)), {
    kind: 'connection',
    ...connection,
    service: 'shop/web:http',
    endpointPod: 'shop/web-1',
  });
});

describe('filters', () => {
  /** By name: the filter, and whether it wants the request, the query and the connection above. */
  const rows: Record<string, readonly [Partial<TapFilter>, boolean, boolean, boolean]> = {
    none: [{}, true, true, true],
    'by kind': [{ kinds: ['query', 'connection'] }, false, true, true],
    'by Service': [{ service: 'shop/web' }, true, true, true],
    'by a Service of another namespace': [{ service: 'other/web' }, false, false, false],
    'by a Service whose name is longer': [{ service: 'shop/we' }, false, false, false],
    'by the Pod that answers': [{ pod: 'shop/web-1' }, true, true, true],
    'by the Pod that asks': [{ pod: 'shop/front' }, true, false, false],
    'by host': [{ host: 'shop.example' }, true, false, false],
    'by a name in DNS': [{ host: 'web.shop.svc.cluster.local' }, false, true, false],
    'by path': [{ path: '/cart' }, true, false, false],
    'by another path': [{ path: '/catalog' }, false, false, false],
    'by Service and path': [{ service: 'shop/web', path: '/' }, true, false, false],
  };
  for (const [name, [filter, ...wanted]] of Object.entries(rows)) {
    test(name, () => {
      const all = [request, query, connection].map((value) =>
        isWanted(row(value), { kinds: TAP_KINDS, ...filter }, names),
      );
      assert.deepEqual(all, wanted);
    });
  }
  test('kinds in text', () => {
    assert.deepEqual(readKinds('request, query'), ['request', 'query']);
    assert.equal(readKinds('request,nothing'), undefined);
  });
});

test('names of Services: cluster IP, external address, node port, and the protocol counts', () => {
  const places = [
    ['TCP', '10.96.0.7', 80],
    ['TCP', '192.0.2.9', 80],
    ['TCP', '198.51.100.1', 30080],
    ['UDP', '10.96.0.7', 53],
    ['UDP', '10.96.0.7', 80],
  ] as const;
  assert.deepEqual(
    places.map(([protocol, ip, port]) => names.service(protocol, { ip, port })),
    ['shop/web:http', 'shop/web:http', 'shop/web:http', 'shop/web:53', undefined],
  );
});

describe('tapCommand', () => {
  let folder: string;
  const servers: Server[] = [];
  const open: ServerResponse[] = [];
  const api = new FakeApi();

  /** A role that tells these lines to whoever listens. */
  async function startRole(name: string, lines: readonly object[]): Promise<Server> {
    const server = createServer((asked, response) => {
      assert.equal(asked.url, '/tap');
      open.push(response);
      response.writeHead(200);
      response.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(join(folder, name), resolve));
    return server;
  }

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'fairlead-tap-'));
    api.seed(pods, podOf('web-1', ['10.244.0.5']) as never);
    api.seed(services, webService as never);
  });
  after(() => {
    for (const response of open) response.destroy();
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true });
  });

  async function run(options: Partial<TapOptions>): Promise<{ readonly printed: string[]; readonly said: string[] }> {
    const [printed, said]: [string[], string[]] = [[], []];
    const around = {
      clock: systemClock,
      random: systemRandom,
      print: (line: string) => void printed.push(line),
      printError: (line: string) => void said.push(line),
    };
    await tapCommand(api, { places: { folder }, namespace: 'shop', ...options }, around, AbortSignal.timeout(60_000));
    return { printed, said };
  }

  test('without anybody to listen to it says so', async () => {
    await assert.rejects(
      run({}),
      (error: Error) => error instanceof UsageError && /^nothing to listen to in /.test(error.message),
    );
    await assert.rejects(
      run({ places: [join(folder, 'none.sock')] }),
      (error: Error) => error instanceof UsageError && /^nobody tells at .*ENOENT/.test(error.message),
    );
  });

  test('options that make no sense are refused', async () => {
    await assert.rejects(run({ kinds: 'x' }), /--kind x: must be some of request, query, connection/);
    await assert.rejects(run({ lines: 0 }), /--lines: must be a whole number above 0/);
  });

  test('all roles are listened to, until there were enough lines', async () => {
    await startRole('gateway.sock', [request, { dropped: 5 }]);
    await startRole('agent-a.sock', [query, connection]);
    const { printed, said } = await run({ lines: 3, output: 'json' });
    assert.deepEqual(printed.map((line) => JSON.parse(line).kind).sort(), ['connection', 'query', 'request']);
    assert.deepEqual(said.filter((line) => line.startsWith('listening')).sort(), [
      'listening to agent-a',
      'listening to gateway',
    ]);
    const filtered = await run({ lines: 1, pod: 'web-1', kinds: 'query' });
    assert.match(filtered.printed.join('\n'), /query {7}shop\/web-1 {2}A /);
  });

  test('a role that comes later is listened to, too', async () => {
    const running = run({
      lines: 1,
      service: 'web',
      kinds: 'request',
      places: [join(folder, 'gateway.sock'), join(folder, 'late.sock')],
      path: '/late',
    });
    await startRole('late.sock', [{ ...request, target: '/late' }]);
    assert.match((await running).printed.join('\n'), /\/late/);
  });
});
