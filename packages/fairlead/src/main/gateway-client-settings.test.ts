import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerMemoryBound, type GatewayClientOptions, readGatewayClients } from './gateway-client-settings.ts';
import { SettingReader, type SettingValues } from './settings.ts';

const NONE: GatewayClientOptions = { limits: {}, times: {}, underscoreFields: 'pass' };
const rows: readonly (readonly [name: string, values: SettingValues, expected: Partial<GatewayClientOptions>])[] = [
  ['nothing', {}, {}],
  [
    'limits',
    { 'gateway-max-connections': '100', 'gateway-max-connections-per-client': '5', 'gateway-max-memory': '512' },
    { limits: { connectionsMax: 100, perClientMax: 5, memoryMaxBytes: 512 * 1024 * 1024 } },
  ],
  ['a time for heads', { 'gateway-header-timeout': '10s' }, { times: { headMs: 10_000 } }],
  [
    'times of idle connections',
    { 'gateway-client-idle-timeout': '1h', 'gateway-upstream-idle-timeout': '500ms' },
    { times: { clientIdleMs: 3_600_000, upstreamIdleMs: 500 } },
  ],
  ['underscores', { 'gateway-underscore-headers': 'drop' }, { underscoreFields: 'drop' }],
];
for (const [name, values, expected] of rows) {
  test(`what the gateway takes of clients: ${name}`, () => {
    const reader = new SettingReader(values);
    assert.deepEqual(readGatewayClients(reader), { ...NONE, ...expected });
    assert.deepEqual(reader.problems, []);
  });
}

const wrong: readonly (readonly [name: string, values: SettingValues])[] = [
  ['no time', { 'gateway-header-timeout': '0s' }],
  ['a time without a unit', { 'gateway-client-idle-timeout': '75' }],
  ['a rule that nobody knows', { 'gateway-underscore-headers': 'keep' }],
  ['too little memory to start in', { 'gateway-max-memory': '10' }],
];
for (const [name, values] of wrong) {
  test(`what the gateway takes of clients, a mistake: ${name}`, () => {
    const reader = new SettingReader(values);
    readGatewayClients(reader);
    assert.equal(reader.problems.length, 1);
  });
}

const GIB = 2 ** 30;
const bounds: readonly (readonly [name: string, constrained: number, machine: number, bound: number])[] = [
  ['a container with a limit', GIB, 8 * GIB, Math.floor(0.95 * GIB)],
  ['a container without one', 2 ** 63, 8 * GIB, Infinity],
  ['a limit of the whole machine', 8 * GIB, 8 * GIB, Infinity],
  ['where nobody can tell', 0, 8 * GIB, Infinity],
];
for (const [name, constrained, machine, bound] of bounds) {
  test(`memory that a gateway may use: ${name}`, () => assert.equal(containerMemoryBound(constrained, machine), bound));
}
