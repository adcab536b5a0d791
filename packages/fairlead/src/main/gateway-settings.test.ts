import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatewayL4Args, readGatewayL4 } from './gateway-settings.ts';
import { SettingReader, type SettingValues } from './settings.ts';

const rows: readonly (readonly [name: string, values: SettingValues, relays: string, problems: number])[] = [
  ['nothing', {}, '', 0],
  ['a port', { 'gateway-tcp': ['5432=default/db:5432'] }, 'tcp 0.0.0.0 5432 default/db:5432', 0],
  ['a named Service port', { 'gateway-udp': ['53=kube-system/dns:dns'] }, 'udp 0.0.0.0 53 kube-system/dns:dns', 0],
  ['an address', { 'gateway-tcp': ['127.0.0.1:25=a/b:25'] }, 'tcp 127.0.0.1 25 a/b:25', 0],
  ['an IPv6 address', { 'gateway-tcp': ['[::1]:25=a/b:25'] }, 'tcp ::1 25 a/b:25', 0],
  [
    'several Services',
    { 'gateway-tcp': ['5432=default/db:5432@9,default/new:sql,other/db:5432@0'] },
    'tcp 0.0.0.0 5432 default/db:5432@9,default/new:sql,other/db:5432@0',
    0,
  ],
  ['a weight that is none', { 'gateway-tcp': ['25=a/b:25@x'] }, '', 1],
  ['a weight too much', { 'gateway-tcp': ['25=a/b:25@1000001'] }, '', 1],
  ['no Service at the end', { 'gateway-tcp': ['25=a/b:25,'] }, '', 1],
  ['no namespace', { 'gateway-tcp': ['25=b:25'] }, '', 1],
  ['no Service port', { 'gateway-tcp': ['25=a/b'] }, '', 1],
  ['no port', { 'gateway-tcp': ['a/b:25'] }, '', 1],
  ['port 0', { 'gateway-tcp': ['0=a/b:25'] }, '', 1],
  ['twice', { 'gateway-tcp': ['25=a/b:25', '25=a/c:25'] }, 'tcp 0.0.0.0 25 a/b:25; tcp 0.0.0.0 25 a/c:25', 1],
  [
    'TCP and UDP',
    { 'gateway-tcp': ['53=a/b:53'], 'gateway-udp': ['53=a/b:53'] },
    'tcp 0.0.0.0 53 a/b:53; udp 0.0.0.0 53 a/b:53',
    0,
  ],
  ['proxies', { 'gateway-proxy-protocol-from': '10.0.0.0/8,192.0.2.1,2001:db8::/32' }, '', 0],
  ['trusted proxies', { 'gateway-trusted-proxies': '10.0.0.0/8,2001:db8::1' }, '', 0],
  ['hops', { 'gateway-trusted-hops': '2', 'gateway-client-header': 'forwarded' }, '', 0],
  ['no hop', { 'gateway-trusted-hops': '0' }, '', 1],
  ['a header that nobody knows', { 'gateway-client-header': 'x-client' }, '', 1],
  ['a public port', { 'gateway-https-public-port': '443' }, '', 0],
  ['a public port that is none', { 'gateway-https-public-port': '70000' }, '', 1],
  ['a trusted proxy by name', { 'gateway-trusted-proxies': 'proxy.example' }, '', 1],
  [
    'limits',
    { 'gateway-max-connections': '100', 'gateway-max-connections-per-client': '5', 'gateway-max-memory': '512' },
    '',
    0,
  ],
  ['a limit that is none', { 'gateway-max-connections': '0' }, '', 1],
  ['too little memory to start in', { 'gateway-max-memory': '10' }, '', 1],
  ['a proxy that is no range', { 'gateway-proxy-protocol-from': '10.0.0.0/33' }, '', 1],
];
for (const [name, values, relays, problems] of rows) {
  test(`gateway relays: ${name}`, () => {
    const reader = new SettingReader(values);
    const read = readGatewayL4(reader).relays.map(
      ({ protocol, listen, services }) =>
        `${protocol} ${listen.host} ${listen.port} ${services
          .map(({ namespace, name, port, weight }) => `${namespace}/${name}:${port}${weight === 1 ? '' : `@${weight}`}`)
          .join(',')}`,
    );
    assert.equal(read.join('; '), relays);
    assert.equal(reader.problems.length, problems, reader.problems.join());
    // What the gateway's process gets means the same.
    if (problems > 0) return;
    const args = gatewayL4Args(new SettingReader(values));
    assert.equal(args.filter((arg) => arg.startsWith('--')).length, Object.values(values).flat().length);
  });
}
