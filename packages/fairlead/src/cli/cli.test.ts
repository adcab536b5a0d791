import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  deployments,
  ingresses,
  namespaces,
  nodes,
  type ObjectMeta,
  pods,
  type Service,
  services,
} from '@fairlead/api';
import { fieldStructure, strategicMergePatch } from '@fairlead/api/schema';
import { FakeApi } from '@fairlead/client/fake-api';
import fc from 'fast-check';
import { applyManifest } from './apply.ts';
import { deleteCommand } from './delete.ts';
import { describeCommand } from './describe.ts';
import { getCommand } from './get.ts';
import { applyPatch, LAST_APPLIED, withLastApplied } from './last-applied.ts';
import { logsCommand } from './logs.ts';
import { parseManifest } from './manifest.ts';
import { alignColumns, formatTable } from './print-table.ts';
import { findResource } from './resource-lookup.ts';
import { statusCommand } from './status.ts';
import { UsageError } from './usage-error.ts';

/** Output lines of one command. */
async function output(run: (print: (line: string) => void) => Promise<void>): Promise<string[]> {
  const lines: string[] = [];
  await run((line) => lines.push(...line.split('\n')));
  return lines;
}

const webService = (ports: string, more = ''): string => `
apiVersion: v1
kind: Service
metadata: {name: web, creationTimestamp: null}
spec:
  selector: {app: web}
${more}  ports: ${ports}
`;

describe('logs', () => {
  /** A log that arrives in the given pieces. */
  class Log extends FakeApi {
    readonly asked: string[] = [];
    readonly #pieces: readonly string[];
    constructor(pieces: readonly string[]) {
      super();
      this.#pieces = pieces;
    }
    override async *stream(path: string): AsyncGenerator<Uint8Array, void, undefined> {
      this.asked.push(path);
      for (const piece of this.#pieces) yield Buffer.from(piece, 'latin1');
    }
  }
  const rows: [name: string, pieces: string[], lines: string[]][] = [
    ['nothing written', [], []],
    ['lines, an empty one among them', ['a\n\nb\n'], ['a', '', 'b']],
    ['a line in pieces', ['on', 'e\ntw', 'o\n'], ['one', 'two']],
    ['no line feed at the end', ['one\ntwo'], ['one', 'two']],
    ['a line that is one JSON value keeps its spaces', ['{ "a": 1 }\n'], ['{ "a": 1 }']],
    ['a character in pieces', ['\xc3', '\xa9\n'], ['\u00e9']],
  ];
  for (const [name, pieces, expected] of rows) {
    test(name, async () => {
      const lines: string[] = [];
      await logsCommand(new Log(pieces), { pod: 'p' }, (line) => void lines.push(line));
      assert.deepEqual(lines, expected);
    });
  }

  test('options become the query', async () => {
    const log = new Log([]);
    const options = { pod: 'p', namespace: 'n', container: 'c', tailLines: 0, sinceSeconds: 9, follow: true };
    await logsCommand(log, options, () => {});
    assert.deepEqual(log.asked, ['/api/v1/namespaces/n/pods/p/log?container=c&tailLines=0&sinceSeconds=9&follow=true']);
  });
});

describe('apply', () => {
  test('creates, says unchanged, patches what changed and removes what is gone', async () => {
    const api = new FakeApi();
    const apply = (text: string): Promise<string[]> => output((print) => applyManifest(api, text, print));
    const first = webService('[{name: http, port: 80}, {name: admin, port: 90}]', '  sessionAffinity: ClientIP\n');
    assert.deepEqual(await apply(first), ['service/web created']);
    // What others set stays.
    await api.patch(services, { namespace: 'default', name: 'web' }, 'merge', { spec: { clusterIP: '10.96.0.7' } });
    assert.deepEqual(await apply(first), ['service/web unchanged']);
    assert.deepEqual(await apply(webService('[{name: http, port: 80, targetPort: 8080}]')), ['service/web configured']);
    const stored = await api.get(services, { namespace: 'default', name: 'web' });
    assert.deepEqual(stored.spec, {
      selector: { app: 'web' },
      clusterIP: '10.96.0.7',
      ports: [{ name: 'http', port: 80, targetPort: 8080 }],
    });
    const kept = JSON.parse(stored.metadata.annotations?.[LAST_APPLIED] ?? '') as Service;
    assert.deepEqual(kept.spec?.ports, [{ name: 'http', port: 80, targetPort: 8080 }]);
    assert.equal(kept.metadata?.annotations?.[LAST_APPLIED], undefined);
  });

  test('the annotation is the text that kubectl writes', () => {
    const object = withLastApplied({
      kind: 'Service',
      apiVersion: 'v1',
      metadata: { name: 'web', labels: { b: '1', a: '<&>' } },
      spec: { x: null },
    });
    assert.equal(
      object.metadata?.annotations?.[LAST_APPLIED],
      '{"apiVersion":"v1","kind":"Service","metadata":{"annotations":{},"labels":{"a":"\\u003c\\u0026\\u003e","b":"1"},"name":"web"},"spec":{"x":null}}\n',
    );
    assert.deepEqual(object.spec, {});
  });

  test('one refused object does not hold up the others, and is named', async () => {
    const api = new FakeApi();
    const text =
      'apiVersion: v1\nkind: Gadget\nmetadata: {name: g}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n';
    const lines: string[] = [];
    await assert.rejects(
      applyManifest(api, text, (line) => lines.push(line)),
      (error) =>
        error instanceof UsageError && error.message === 'Gadget g: no resource for kind "Gadget" in version "v1"',
    );
    assert.deepEqual(lines, ['namespace/shop created']);
  });

  test('several documents, a List, and cluster-scoped kinds', async () => {
    const api = new FakeApi();
    const text = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
# nothing here
---
apiVersion: v1
kind: List
items:
  - {apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}, spec: {selector: {}, template: {}}}
  - {apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}}
`;
    assert.deepEqual(await output((print) => applyManifest(api, text, print)), [
      'namespace/shop created',
      'deployment.apps/web created',
      'service/web created',
    ]);
    await api.get(namespaces, { name: 'shop' });
    await api.get(deployments, { namespace: 'shop', name: 'web' });
  });

  const port = fc.record(
    { port: fc.integer({ min: 1, max: 4 }), name: fc.constantFrom('a', 'b') },
    { requiredKeys: ['port'] },
  );
  const spec = fc
    .record(
      {
        ports: fc.uniqueArray(port, { selector: (each) => each.port, maxLength: 4 }),
        selector: fc.dictionary(fc.constantFrom('app', 'tier'), fc.constantFrom('x', 'y')),
        externalIPs: fc.array(fc.constantFrom('192.0.2.1', '192.0.2.2')),
        type: fc.constantFrom('ClusterIP', 'NodePort'),
      },
      { requiredKeys: [] },
    )
    .map((each) => JSON.parse(JSON.stringify(each)) as typeof each);
  test('patching from one configuration to the next gives the next, whatever they are', () => {
    const structure = fieldStructure('core.v1.Service');
    // An absent field and an empty one are the same thing to a server.
    const normal = (value: { spec: Record<string, unknown> }): unknown => {
      const entries = Object.entries(value.spec).filter(([, field]) => Object.keys(field as object).length > 0);
      const sorted = entries.map(([name, field]) => [
        name,
        name === 'ports' ? [...(field as { port: number }[])].sort((a, b) => a.port - b.port) : field,
      ]);
      return Object.fromEntries(sorted);
    };
    fc.assert(
      fc.property(spec, spec, (before, after) => {
        const patch = applyPatch({ spec: before }, { spec: after }, structure);
        const patched = strategicMergePatch('core.v1.Service', { spec: before }, patch);
        assert.deepEqual(normal(patched as { spec: Record<string, unknown> }), normal({ spec: after }));
      }),
      { numRuns: 300 },
    );
  });
});

describe('manifests that are wrong say where', () => {
  const rows: [name: string, text: string, message: RegExp][] = [
    ['no kind', 'apiVersion: v1', /^f: kind not set$/],
    ['no version', 'kind: Service', /^f: apiVersion not set$/],
    ['no name', 'apiVersion: v1\nkind: Service', /^f: Service: metadata.name not set$/],
    ['not an object', 'hello', /^f: not an object$/],
    ['not YAML', 'a: [1\nb: 2', /^f: .*line/],
    ['a key twice', 'apiVersion: v1\napiVersion: v2', /^f: .*unique/],
  ];
  for (const [name, text, message] of rows) {
    test(name, () =>
      assert.throws(
        () => parseManifest(text, 'f'),
        (error) => error instanceof UsageError && message.test(error.message),
      ),
    );
  }
  test('an empty text holds nothing', () => assert.deepEqual(parseManifest('# only a comment\n---\n', 'f'), []));
});

describe('resource names', () => {
  const rows: [name: string, plural: string, group: string][] = [
    ['pods', 'pods', ''],
    ['po', 'pods', ''],
    ['Pod', 'pods', ''],
    ['svc', 'services', ''],
    ['ev', 'events', ''],
    ['events.events.k8s.io', 'events', 'events.k8s.io'],
    ['deploy', 'deployments', 'apps'],
    ['deployment.apps', 'deployments', 'apps'],
    ['ing', 'ingresses', 'networking.k8s.io'],
    ['ns', 'namespaces', ''],
  ];
  for (const [name, plural, group] of rows) {
    test(name, async () => {
      const ref = await findResource(new FakeApi(), name);
      assert.deepEqual([ref.plural, ref.group], [plural, group]);
    });
  }
  test('unknown', () =>
    assert.rejects(findResource(new FakeApi(), 'gadgets'), /does not have a resource type "gadgets"/));
});

describe('tables', () => {
  const table = {
    columnDefinitions: [
      { name: 'Name', type: 'string', priority: 0 },
      { name: 'Ports', type: 'string', priority: 0 },
      { name: 'Selector', type: 'string', priority: 1 },
      { name: 'Count', type: 'integer', priority: 0 },
    ],
    rows: [
      { cells: ['web', null, 'app=web', 3], object: { metadata: { namespace: 'shop' } } },
      { cells: ['a-longer-name', '80/TCP', null, 12], object: { metadata: { namespace: 'default' } } },
    ],
  };
  test('priority 1 only when wide', () => {
    assert.deepEqual(formatTable(table), [
      'NAME            PORTS    COUNT',
      'web             <none>   3',
      'a-longer-name   80/TCP   12',
    ]);
    assert.equal(formatTable(table, { wide: true })[0], 'NAME            PORTS    SELECTOR   COUNT');
  });
  test('namespaces, no headers', () => {
    assert.deepEqual(
      formatTable(table, { namespaces: true, headers: false })[0],
      'shop      web             <none>   3',
    );
  });
  test('no lines for no rows', () => assert.deepEqual(alignColumns([]), []));
});

describe('get, describe, delete and status', () => {
  async function filled(): Promise<FakeApi> {
    const api = new FakeApi();
    const metadata = (name: string): ObjectMeta => ({ name, namespace: 'default', labels: { app: name } });
    await api.create(services, {
      metadata: metadata('web'),
      spec: { type: 'ClusterIP', clusterIP: '10.96.0.7', ports: [{ port: 80 }] },
    });
    await api.create(services, {
      metadata: metadata('api'),
      spec: { type: 'NodePort', clusterIP: '10.96.0.8', ports: [{ port: 1, nodePort: 30001 }] },
    });
    await api.create(nodes, { metadata: { name: 'n1' }, status: { conditions: [{ type: 'Ready', status: 'True' }] } });
    await api.create(pods, { metadata: metadata('p'), spec: { nodeName: 'n1', containers: [] } });
    await api.create(ingresses, {
      metadata: metadata('edge'),
      spec: {
        rules: [
          {
            host: 'a.example',
            http: {
              paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }],
            },
          },
        ],
      },
    });
    return api;
  }

  test('get as YAML, JSON and names', async () => {
    const api = await filled();
    const yaml = await output((print) => getCommand(api, { types: 'svc', names: ['web'], output: 'yaml' }, print));
    const [object] = parseManifest(yaml.join('\n'), 'output');
    assert.equal(object?.metadata?.name, 'web');
    const json = await output((print) =>
      getCommand(api, { types: 'svc', names: [], output: 'json', selector: 'app=api' }, print),
    );
    const list = JSON.parse(json.join('\n')) as { items: Service[] };
    assert.deepEqual(
      list.items.map((item) => item.metadata?.name),
      ['api'],
    );
    const names = await output((print) => getCommand(api, { types: 'svc,po', names: [], output: 'name' }, print));
    assert.deepEqual(names.sort(), ['pod/p', 'service/api', 'service/web']);
  });

  test('delete by name, by selector, and again', async () => {
    const api = await filled();
    assert.deepEqual(await output((print) => deleteCommand(api, { type: 'service', names: ['web'] }, print)), [
      'service/web deleted',
    ]);
    await assert.rejects(
      deleteCommand(api, { type: 'service', names: ['web'] }, () => undefined),
      /not found/,
    );
    assert.deepEqual(
      await output((print) => deleteCommand(api, { type: 'svc', names: ['web'], ignoreNotFound: true }, print)),
      [],
    );
    assert.deepEqual(await output((print) => deleteCommand(api, { type: 'svc', selector: 'app=api' }, print)), [
      'service/api deleted',
    ]);
    assert.deepEqual(await output((print) => deleteCommand(api, { type: 'svc', selector: 'app=api' }, print)), [
      'No resources found',
    ]);
    await assert.rejects(
      deleteCommand(api, { type: 'svc' }, () => undefined),
      UsageError,
    );
    await assert.rejects(
      deleteCommand(api, {}, () => undefined),
      UsageError,
    );
  });

  test('describe names every field and the events', async () => {
    const api = await filled();
    const web = await api.get(services, { namespace: 'default', name: 'web' });
    const { events } = await import('@fairlead/api');
    await api.create(events, {
      metadata: { name: 'e', namespace: 'default' },
      involvedObject: { kind: 'Service', name: 'web', namespace: 'default', uid: web.metadata.uid },
      type: 'Warning',
      reason: 'Odd',
      message: 'it is odd',
      count: 3,
      lastTimestamp: '2026-01-01T00:00:00Z',
      source: { component: 'test' },
    });
    const now = Date.parse('2026-01-01T00:05:00Z');
    const lines = await output((print) => describeCommand(api, { type: 'svc', names: ['web'], now }, print));
    const text = lines.join('\n');
    assert.match(text, /^Name: +web$/m);
    assert.match(text, /^Labels: +app=web$/m);
    assert.match(text, /^Cluster IP: +10\.96\.0\.7$/m);
    assert.match(text, /^ {2}Warning +Odd +5m \(x3\) +test +it is odd$/m);
    assert.match(
      (await output((print) => describeCommand(api, { type: 'svc', names: ['api'], now }, print))).join('\n'),
      /Events: <none>/,
    );
  });

  test('status at a glance', async () => {
    const text = (await output(async (print) => statusCommand(await filled(), print))).join('\n');
    assert.match(text, /^ {2}n1 +Ready +<none> +1$/m);
    assert.match(text, /^ {2}default\/api +NodePort +10\.96\.0\.8 +1:30001\/TCP +0\/0$/m);
    assert.match(text, /^ {2}a\.example +\/ +web:80 +default\/edge +<pending>$/m);
  });
});
