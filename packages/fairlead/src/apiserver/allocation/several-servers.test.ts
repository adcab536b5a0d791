import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ApiClient } from '@fairlead/client';
import { etcdSkip, startEtcd } from '../storage/etcd/testing/etcd-cluster.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

const path = '/api/v1/namespaces/default/services';

interface ServiceList {
  readonly items: readonly {
    readonly spec: { readonly clusterIPs: string[]; readonly ports: { nodePort?: number }[] };
  }[];
}

test('two servers over one store never hand out the same address or port', { skip: etcdSkip() }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-claims-'));
  const etcd = await startEtcd();
  const servers: TestServer[] = [];
  const start = async (name: string): Promise<ApiClient> => {
    const server = await startTestServer({
      dataDir: join(folder, name),
      datastore: { kind: 'etcd', endpoints: etcd.endpoints, prefix: '/registry' },
      // Just enough: what one server takes, the other runs into.
      serviceCidr: '10.96.0.0/26,fd00:96::/122',
      nodePortRange: '30000-30059',
    });
    servers.push(server);
    return server.client();
  };
  try {
    const clients = [await start('a'), await start('b')];
    const make = (client: ApiClient, name: string): Promise<unknown> =>
      client.request('POST', path, {
        metadata: { name },
        spec: { type: 'NodePort', ipFamilyPolicy: 'RequireDualStack', ports: [{ port: 80 }] },
      });
    await Promise.all(
      clients.flatMap((client, at) => Array.from({ length: 25 }, (_, index) => make(client, `s${at}-${index}`))),
    );
    const { items } = (await clients[0]!.request('GET', path)) as ServiceList;
    const ips = items.flatMap(({ spec }) => spec.clusterIPs);
    const ports = items.flatMap(({ spec }) => spec.ports.flatMap(({ nodePort }) => nodePort ?? []));
    assert.deepEqual([items.length, ips.length, ports.length], [51, 101, 50]);
    assert.equal(new Set(ips).size, ips.length);
    assert.equal(new Set(ports).size, ports.length);
    const asked = await Promise.allSettled(
      clients.map((client, at) =>
        client.request('POST', path, {
          metadata: { name: `same${at}` },
          spec: {
            type: 'NodePort',
            ports: [
              { port: 80, nodePort: Array.from({ length: 60 }, (_, n) => 30000 + n).find((n) => !ports.includes(n)) },
            ],
          },
        }),
      ),
    );
    assert.equal(
      asked.filter(({ status }) => status === 'fulfilled').length,
      1,
      'of two that ask for one port, one gets it',
    );
  } finally {
    for (const server of servers) await server.stop();
    await etcd.dispose();
    rmSync(folder, { recursive: true });
  }
});
