import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileService, type KernelFeature } from '../compile.ts';
import { StableNumbers } from '../stable-numbers.ts';
import { scene, sceneService, sceneSlice } from '../testing/traffic-matrix.ts';

import { type DirectLayout, type DirectPort, directTable } from './direct-layout.ts';
import { directTableBody, directTableChange } from './direct-table.ts';
import type { LinkPlace } from './link-addresses.ts';
import { tunnelMac } from './tunnel-mac.ts';

const here = { link: 'br0', mac: '02:00:00:00:00:01', ownMac: '02:00:00:00:00:10' };
const there = { link: 'eth0', mac: '02:00:00:00:00:02', ownMac: '02:00:00:00:00:20' };
const far = { link: 'overlay', mac: '02:00:00:00:00:03', ownMac: '02:00:00:00:00:30' };
const both = [{ ip: scene.localEndpoint }, { ip: scene.remoteEndpoint }];

function compiled(
  annotations: Readonly<Record<string, string>>,
  spec: Parameters<typeof sceneService>[1] = {},
  lacking: ReadonlyMap<KernelFeature, string> = new Map(),
) {
  const service = sceneService(
    'web',
    { type: 'LoadBalancer', clusterIP: '10.96.0.1', ports: [{ port: 8080 }], ...spec },
    ['203.0.113.1'],
  );
  service.metadata.annotations = Object.fromEntries(
    Object.entries(annotations).map(([name, value]) => [`fairlead.dev/${name}`, value]),
  );
  return compileService(service, [sceneSlice('web', both)], { nodeName: scene.nodeName, nodeIps: [], lacking });
}

function directPorts(...args: Parameters<typeof compiled>): DirectPort[] {
  return (compiled(...args).program?.ports ?? []).flatMap((port) =>
    port.directReturn === undefined ? [] : [{ port, direct: port.directReturn }],
  );
}

const at =
  (places: ReadonlyMap<string, LinkPlace>): DirectLayout['placeOf'] =>
  (_, ip) =>
    places.get(ip);

function textOf(layout: DirectLayout): string {
  const table = directTable(layout, new StableNumbers());
  return table === undefined ? '' : directTableBody(table);
}

const byMac = { 'direct-server-return': 'mac' };

const rows: readonly [name: string, args: Parameters<typeof compiled>, directs: number, warning: RegExp | undefined][] =
  [
    ['mac', [byMac], 1, undefined],
    ['vxlan', [{ 'direct-server-return': 'vxlan' }], 1, undefined],
    ['off', [{ 'direct-server-return': 'off' }], 0, undefined],
    ['something else', [{ 'direct-server-return': 'gre' }], 0, /none of off, mac, vxlan, ipip/],
    ['ipip', [{ 'direct-server-return': 'ipip' }], 1, undefined],
    [
      'a port that needs translation',
      [byMac, { ports: [{ port: 80, targetPort: 8080 }] }],
      0,
      /listen on 8080, not on 80/,
    ],
    ['no address from outside', [byMac, { type: 'ClusterIP' }], 0, undefined],
    ['limits', [{ ...byMac, 'max-connections-per-source': '5' }], 1, /limits per source do not hold/],
    [
      'no netdev rules',
      [byMac, {}, new Map([['netdev-forward', 'expression fwd']])],
      0,
      /no expression fwd: .*translated/,
    ],
    [
      'no right to wrap packets',
      [{ 'direct-server-return': 'ipip' }, {}, new Map([['ipip', 'right to use BPF']])],
      0,
      /no right to use BPF: .*translated/,
    ],
  ];
for (const [name, args, directs, warning] of rows) {
  test(`direct server return: ${name}`, () => {
    assert.equal(directPorts(...args).length, directs);
    const messages = compiled(...args).warnings.map(({ message }) => message);
    if (warning === undefined) assert.deepEqual(messages, []);
    else assert.match(messages.join('\n'), warning);
  });
}

test('nothing to send directly: no table', () => {
  assert.equal(textOf({ ports: [], placeOf: () => undefined, uplinks: ['eth0'] }), '');
  assert.equal(textOf({ ports: directPorts(byMac), placeOf: () => undefined, uplinks: ['eth0'] }), '');
});

test('every slot leads to an endpoint that can be reached', () => {
  const text = textOf({
    ports: directPorts(byMac),
    placeOf: at(new Map([[scene.remoteEndpoint, there]])),
    uplinks: ['eth0'],
  });
  assert.equal(text.match(/ : 02:00:00:00:00:02/g)?.length, 1021);
  assert.doesNotMatch(text, /02:00:00:00:00:01/);
});

test('what another node sent on goes to endpoints of this node only', () => {
  const text = textOf({
    ports: directPorts(byMac),
    placeOf: at(
      new Map([
        [scene.localEndpoint, here],
        [scene.remoteEndpoint, there],
      ]),
    ),
    uplinks: ['eth0'],
  });
  const ingress = /chain ingress-eth0 \{[^}]*\{([^}]*)\} jump local-only/.exec(text)?.[1]?.trim();
  assert.equal(ingress, '02:00:00:00:00:02');
  const local = /map local \{[^}]*goto (direct-\d+)/.exec(text)?.[1] ?? '';
  const size = new RegExp(`chain ${local} \\{[^}]*mod (\\d+) seed`).exec(text)?.[1];
  // All its slots lead to the one endpoint that is here.
  const id = local.replace('direct-', '');
  assert.equal(text.match(new RegExp(`\\b${id} \\. \\d+ : ${here.mac}`, 'g'))?.length, Number(size));
});

test('fragments, of which only the first has ports, are all left to translation', () => {
  const text = textOf({
    ports: directPorts(byMac),
    placeOf: at(new Map([[scene.localEndpoint, here]])),
    uplinks: ['eth0'],
  });
  const [, rules = ''] = /chain ingress-eth0 \{[^;]*;([^}]*)\}/.exec(text) ?? [];
  assert.match(rules.trim(), /^ip frag-off & 0x3fff != 0 accept\n +exthdr frag exists accept\n +ip daddr/);
});

test('the overlay is watched too, for packets that other nodes send on', () => {
  const places = new Map([
    [scene.localEndpoint, here],
    [scene.remoteEndpoint, far],
  ]);
  const text = textOf({ ports: directPorts(byMac), placeOf: at(places), uplinks: ['eth0'] });
  assert.match(text, /chain ingress-overlay \{[^}]*vmap @local\n[^}]*vmap @local6\n\s*\}/);
});

test('Local policy: endpoints of this node', () => {
  const [entry] = directPorts(byMac, { externalTrafficPolicy: 'Local' });
  assert.deepEqual(
    entry?.direct.endpoints.map(({ ip }) => ip),
    [scene.localEndpoint],
  );
});

test('source lists are part of the table', () => {
  const text = textOf({
    ports: directPorts(
      { ...byMac, 'deny-sources': '198.51.100.9' },
      { loadBalancerSourceRanges: ['198.51.100.0/24', '10.0.0.0/8'] },
    ),
    placeOf: at(new Map([[scene.localEndpoint, here]])),
    uplinks: ['eth0'],
  });
  assert.match(text, /ip saddr \{ 198\.51\.100\.9\/32 \} drop/);
  assert.match(text, /ip daddr 203\.0\.113\.1 ip saddr != \{ 10\.0\.0\.0\/8, 198\.51\.100\.0\/24 \} drop/);
});

test('link addresses in the tunnel follow from the endpoint', () => {
  assert.equal(tunnelMac('10.244.1.3'), '02:fd:0a:f4:01:03');
  assert.match(tunnelMac('fd00:1::3'), /^02:fd(:[0-9a-f]{2}){4}$/);
  assert.notEqual(tunnelMac('fd00:1::3'), tunnelMac('fd00:1::4'));
  // Alike but for their colons.
  assert.notEqual(tunnelMac('fd00:1::3'), tunnelMac('fd00::1:3'));
});

test('a change touches what changes: slots of an endpoint that comes, nothing of other ports', () => {
  const numbers = new StableNumbers();
  const tableFor = (...endpoints: readonly string[]) => {
    const other = directPorts({ 'direct-server-return': 'vxlan' }, { clusterIP: '10.96.0.2' });
    const [port] = directPorts(byMac);
    assert.ok(port !== undefined);
    const places = new Map(endpoints.map((ip) => [ip, ip === scene.localEndpoint ? here : there]));
    const placeOf: DirectLayout['placeOf'] = (by, ip) => (by === 'vxlan' ? here : places.get(ip));
    const ports = [
      port,
      ...other.map((each) => ({ ...each, port: { ...each.port, key: 'default/other:1/TCP/IPv4' } })),
    ];
    const table = directTable({ ports, placeOf, uplinks: ['eth0'] }, numbers);
    assert.ok(table !== undefined);
    return table;
  };
  const one = tableFor(scene.localEndpoint);
  assert.ok(directTableChange(one, tableFor(scene.localEndpoint)).isEmpty);
  const two = tableFor(scene.localEndpoint, scene.remoteEndpoint);
  const { count } = directTableChange(one, two);
  // Half of 1,021 slots in three maps; and all slots of the new chain for what other nodes send on, of both ports.
  assert.ok(count.deletedElements > 1200 && count.deletedElements < 1900, String(count.deletedElements));
  assert.equal(count.addedElements - count.deletedElements, 2 * (3 * 1021 + 1) - 1);
  const back = directTableChange(two, one);
  assert.equal(back.count.addedElements, count.deletedElements);
  assert.match(back.text(), /delete chain netdev fairlead direct-/);
  assert.doesNotMatch(back.text(), /add chain [^\n]*hook/);
});
