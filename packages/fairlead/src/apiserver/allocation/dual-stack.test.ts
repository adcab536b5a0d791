import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type ApiClient, ApiError } from '@fairlead/client';
import { ApiServerError } from '../api-server-error.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

type Json = Record<string, unknown>;

const path = '/api/v1/namespaces/default/services';
const addresses = '/apis/networking.k8s.io/v1/ipaddresses';
const ranges = '/apis/networking.k8s.io/v1/servicecidrs';
const ports = [{ port: 80 }];

function start(dataDir: string, serviceCidr: string): Promise<TestServer> {
  return startTestServer({
    dataDir,
    serviceCidr,
  });
}

/** What a request led to: the specification, or the mistakes. */
async function outcome(request: Promise<unknown>): Promise<Json | string> {
  try {
    return ((await request) as { spec: Json }).spec;
  } catch (error) {
    assert.ok(error instanceof ApiError, String(error));
    return error.message.replace(/^.*? is invalid: /, '');
  }
}

const family = (ip: string): string => (ip.includes(':') ? '6' : ip === 'None' ? 'N' : '4');

/** `SingleStack IPv4 4`: policy, families, families of the addresses. */
function shape(result: Json | string): string {
  if (typeof result === 'string') return result;
  const { ipFamilyPolicy = '-', ipFamilies = [], clusterIPs = [] } = result;
  const ips = (clusterIPs as string[]).map(family).join('');
  return `${ipFamilyPolicy} ${(ipFamilies as string[]).join(',') || '-'} ${ips || '-'}`;
}

for (const dual of [false, true]) {
  describe(`families of new Services, ${dual ? 'two' : 'one'} in the cluster`, () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'fairlead-dual-'));
    let api: TestServer;
    let client: ApiClient;
    before(async () => {
      api = await start(dataDir, dual ? '10.96.0.0/16,fd00:96::/108' : '10.96.0.0/16');
      client = api.client();
    });
    after(async () => {
      await api.stop();
      rmSync(dataDir, { recursive: true });
    });
    const six = 'fd00:96::a:1';
    const rows: readonly [string, Json, one: string, two: string][] = [
      ['nothing said', {}, 'SingleStack IPv4 4', 'SingleStack IPv4 4'],
      ['prefer two', { ipFamilyPolicy: 'PreferDualStack' }, 'PreferDualStack IPv4 4', 'PreferDualStack IPv4,IPv6 46'],
      [
        'require two',
        { ipFamilyPolicy: 'RequireDualStack' },
        'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
        'RequireDualStack IPv4,IPv6 46',
      ],
      [
        'the other family',
        { ipFamilies: ['IPv6'] },
        'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
        'SingleStack IPv6 6',
      ],
      [
        'the other family first',
        { ipFamilies: ['IPv6'], ipFamilyPolicy: 'PreferDualStack' },
        'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
        'PreferDualStack IPv6,IPv4 64',
      ],
      [
        'two families without a policy',
        { ipFamilies: ['IPv4', 'IPv6'] },
        "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified",
        "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified",
      ],
      [
        'an address of the other family',
        { clusterIP: six },
        `spec.clusterIPs[0]: Invalid value: ["${six}"]: IPv6 is not configured on this cluster`,
        'SingleStack IPv6 6',
      ],
      [
        'an address outside',
        { clusterIP: '10.97.0.1' },
        'spec.clusterIPs: Invalid value: ["10.97.0.1"]: failed to allocate IP 10.97.0.1: the provided network does not match the current range',
        'spec.clusterIPs: Invalid value: ["10.97.0.1"]: failed to allocate IP 10.97.0.1: the provided network does not match the current range',
      ],
      [
        'a family twice',
        { ipFamilies: ['IPv4', 'IPv4'], ipFamilyPolicy: 'PreferDualStack' },
        'spec.ipFamilies[1]: Duplicate value: "IPv4"',
        'spec.ipFamilies[1]: Duplicate value: "IPv4"',
      ],
      [
        'an address and the wrong family',
        { clusterIP: '10.96.9.9', ipFamilies: ['IPv6'] },
        'spec.clusterIPs[0]: Invalid value: "10.96.9.9": expected an IPv6 value as indicated by `ipFamilies[0]`',
        'spec.clusterIPs[0]: Invalid value: "10.96.9.9": expected an IPv6 value as indicated by `ipFamilies[0]`',
      ],
      ['headless', { clusterIP: 'None', selector: { a: 'b' } }, 'SingleStack IPv4 N', 'SingleStack IPv4 N'],
      [
        'headless, prefer two',
        { clusterIP: 'None', selector: { a: 'b' }, ipFamilyPolicy: 'PreferDualStack' },
        'PreferDualStack IPv4 N',
        'PreferDualStack IPv4,IPv6 N',
      ],
      [
        'headless without a selector',
        { clusterIP: 'None' },
        'RequireDualStack IPv4,IPv6 N',
        'RequireDualStack IPv4,IPv6 N',
      ],
      [
        'headless without a selector, one stack',
        { clusterIP: 'None', ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv6'] },
        'SingleStack IPv6 N',
        'SingleStack IPv6 N',
      ],
      ['a name elsewhere', { type: 'ExternalName', externalName: 'example.com' }, '- - -', '- - -'],
    ];
    for (const [index, [name, spec, one, two]] of rows.entries()) {
      test(name, async () => {
        const made = client.request('POST', path, { metadata: { name: `s${index}` }, spec: { ports, ...spec } });
        assert.equal(shape(await outcome(made)), dual ? two : one);
      });
    }
  });
}

describe('changes of families', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'fairlead-dual-'));
  let api: TestServer;
  let client: ApiClient;
  before(async () => {
    api = await start(dataDir, '10.96.0.0/16,fd00:96::/108');
    client = api.client();
  });
  after(async () => {
    await api.stop();
    rmSync(dataDir, { recursive: true });
  });
  const make = async (name: string, spec: Json): Promise<Json> =>
    (await outcome(client.request('POST', path, { metadata: { name }, spec: { ports, ...spec } }))) as Json;
  const patch = (name: string, spec: Json): Promise<Json | string> =>
    outcome(client.request('PATCH', `${path}/${name}`, { spec }, { 'content-type': 'application/merge-patch+json' }));
  const claimed = async (ip: string): Promise<boolean> => {
    const { items } = (await client.request('GET', addresses)) as { items: { metadata: { name: string } }[] };
    return items.some(({ metadata }) => metadata.name === ip);
  };

  test('a second family comes and goes, with its address', async () => {
    const before = await make('a', {});
    const first = (before.clusterIPs as string[])[0]!;
    const up = (await patch('a', { ipFamilyPolicy: 'RequireDualStack' })) as Json;
    assert.equal(shape(up), 'RequireDualStack IPv4,IPv6 46');
    const [kept, second] = up.clusterIPs as [string, string];
    assert.equal(kept, first);
    assert.ok(await claimed(second));
    const down = await patch('a', { ipFamilyPolicy: 'SingleStack' });
    assert.equal(shape(down), 'SingleStack IPv4 4');
    assert.equal((down as Json).clusterIP, first);
    assert.ok(!(await claimed(second)), 'the second address is free again');
  });
  test('the second address can be asked for', async () => {
    await make('b', {});
    const first = ((await patch('b', {})) as Json).clusterIP;
    const up = await patch('b', { ipFamilyPolicy: 'PreferDualStack', clusterIPs: [first, 'fd00:96::77'] });
    assert.deepEqual((up as Json).clusterIPs, [first, 'fd00:96::77']);
    await make('b2', {});
    const other = ((await patch('b2', {})) as Json).clusterIP;
    assert.equal(
      await patch('b2', { ipFamilyPolicy: 'PreferDualStack', clusterIPs: [other, 'fd00:96::77'] }),
      `spec.clusterIPs: Invalid value: ["${other}","fd00:96::77"]: failed to allocate IP fd00:96::77: provided IP is already allocated`,
    );
  });
  test('a second address does not go without a word', async () => {
    const made = await make('c', { ipFamilyPolicy: 'RequireDualStack' });
    const [first] = made.clusterIPs as [string];
    assert.equal(
      await patch('c', { clusterIPs: [first], ipFamilies: ['IPv4'] }),
      '[spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be \'SingleStack\' to release the secondary cluster IP, spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be \'SingleStack\' to release the secondary IP family]',
    );
  });
  test('the first family and address stay', async () => {
    const made = await make('d', { ipFamilyPolicy: 'PreferDualStack' });
    const [v4, v6] = made.clusterIPs as [string, string];
    assert.equal(
      await patch('d', { clusterIP: v6, clusterIPs: [v6, v4], ipFamilies: ['IPv6', 'IPv4'] }),
      [
        `[spec.clusterIPs[0]: Invalid value: ["${v6}","${v4}"]: may not change once set`,
        `spec.clusterIPs[1]: Invalid value: ["${v6}","${v4}"]: may not change once set`,
        'spec.ipFamilies[0]: Invalid value: ["IPv6","IPv4"]: may not change once set]',
      ].join(', '),
    );
  });
  test('an ExternalName has no addresses, and gets new ones when it is none any more', async () => {
    const made = await make('e', { ipFamilyPolicy: 'PreferDualStack' });
    assert.equal(shape(await patch('e', { type: 'ExternalName', externalName: 'example.com' })), '- - -');
    for (const ip of made.clusterIPs as string[]) assert.ok(!(await claimed(ip)));
    const back = await patch('e', { type: 'ClusterIP', externalName: null, ipFamilyPolicy: 'PreferDualStack' });
    assert.equal(shape(back), 'PreferDualStack IPv4,IPv6 46');
  });
  test('an address that no Service gets is refused; a dry run says more about it', async () => {
    const post = (query: string): Promise<unknown> =>
      outcome(
        client.request('POST', `${path}${query}`, { metadata: { name: 'n' }, spec: { ports, clusterIP: '10.96.0.0' } }),
      );
    assert.match(String(await post('')), /does not match the current range/);
    assert.match(
      String(await post('?dryRun=All')),
      /is not in the valid range. The range of valid IPs is 10\.96\.0\.0\/16/,
    );
  });
  test('a further range gives addresses once it is ready, and not when it goes', async () => {
    const wanted = { clusterIP: '10.200.0.5' };
    const before = await outcome(client.request('POST', path, { metadata: { name: 'f' }, spec: { ports, ...wanted } }));
    assert.match(String(before), /does not match the current range/);
    const range = (await client.request('POST', ranges, {
      metadata: { name: 'more', finalizers: ['example.com/hold'] },
      spec: { cidrs: ['10.200.0.0/24'] },
    })) as Json;
    const ready = {
      type: 'Ready',
      status: 'True',
      reason: '',
      message: '',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    };
    await client.request('PUT', `${ranges}/more/status`, { ...range, status: { conditions: [ready] } });
    assert.equal((await make('f', wanted)).clusterIP, '10.200.0.5');
    await client.request('DELETE', `${ranges}/more`);
    const after = await outcome(
      client.request('POST', path, { metadata: { name: 'g' }, spec: { ports, clusterIP: '10.200.0.6' } }),
    );
    assert.match(String(after), /does not match the current range/);
  });
  test('claims survive a restart; those of nobody go', async () => {
    const made = await make('h', { type: 'NodePort', ports: [{ port: 80, nodePort: 31000 }] });
    await client.request('POST', addresses, {
      metadata: { name: '10.96.77.77', labels: { 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' } },
      spec: { parentRef: { resource: 'services', namespace: 'default', name: 'nobody' } },
    });
    await client.request('POST', addresses, {
      metadata: { name: '10.96.77.78' },
      spec: { parentRef: { group: 'example.com', resource: 'vips', name: 'mine' } },
    });
    await client.request('DELETE', `${addresses}/${made.clusterIP}`);
    await api.stop();
    api = await start(dataDir, '10.96.0.0/16,fd00:96::/108');
    client = api.client();
    assert.ok(await claimed(String(made.clusterIP)));
    assert.ok(!(await claimed('10.96.77.77')));
    assert.ok(await claimed('10.96.77.78'), "what a client made is the client's");
    assert.match(
      String(await make('i', { type: 'NodePort', ports: [{ port: 80, nodePort: 31000 }] })),
      /provided port is already allocated/,
    );
    assert.match(String(await make('j', { clusterIP: '10.96.77.78' })), /provided IP is already allocated/);
  });
  test('many at once never share an address or a port', async () => {
    const made = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        make(`many-${index}`, { type: 'NodePort', ipFamilyPolicy: 'RequireDualStack' }),
      ),
    );
    const ips = made.flatMap(({ clusterIPs }) => clusterIPs as string[]);
    assert.equal(new Set(ips).size, 120);
    const numbers = made.map((spec) => (spec.ports as { nodePort: number }[])[0]!.nodePort);
    assert.equal(new Set(numbers).size, 60);
  });
});

for (const [name, first, second, problem] of [
  ['a second one behind', '10.96.0.0/16', '10.96.0.0/16,fd00:96::/108', undefined],
  ['the second one goes', '10.96.0.0/16,fd00:96::/108', '10.96.0.0/16', /made with 10\.96\.0\.0\/16,fd00:96::\/108/],
  ['another order', '10.96.0.0/16,fd00:96::/108', 'fd00:96::/108,10.96.0.0/16', /can be added behind/],
  ['a second one in front', '10.96.0.0/16', 'fd00:96::/108,10.96.0.0/16', /can be added behind/],
  [
    'the other one',
    'fd00:96::/108',
    '10.96.0.0/16',
    /service range 10\.96\.0\.0\/16: the data was made with fd00:96::\/108/,
  ],
] as const) {
  test(`families of used data: ${name}`, async (context) => {
    const dataDir = mkdtempSync(join(tmpdir(), 'fairlead-dual-'));
    context.after(() => rmSync(dataDir, { recursive: true, force: true }));
    const before = await start(dataDir, first);
    const own = `${path}/kubernetes`;
    const address = ((await before.client().request('GET', own)) as { spec: { clusterIPs: string[] } }).spec;
    await before.stop();
    if (problem !== undefined) {
      await assert.rejects(start(dataDir, second), (error) => {
        assert.ok(error instanceof ApiServerError && error.code === 'InvalidOptions', String(error));
        assert.match(error.message, problem);
        return true;
      });
      return;
    }
    const after = await start(dataDir, second);
    context.after(() => after.stop());
    const spec = ((await after.client().request('GET', own)) as { spec: { clusterIPs: string[] } }).spec;
    assert.deepEqual(spec.clusterIPs, address.clusterIPs);
    const range = (await after.client().request('GET', `${ranges}/kubernetes`)) as { spec: { cidrs: string[] } };
    assert.deepEqual(range.spec.cidrs, second.split(','));
  });
}
