import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Datastore } from '../apiserver/storage/open-storage.ts';
import { datastoreArguments, readDatastore } from './datastore-settings.ts';
import { SettingReader, type SettingValues } from './settings.ts';

// Any file that exists stands for a PEM file: it is not opened here.
const pem = import.meta.filename;

const rows: readonly { readonly name: string; readonly values: SettingValues; readonly datastore: Datastore }[] = [
  { name: 'nothing said', values: {}, datastore: { kind: 'sqlite', file: '/data/state.db' } },
  { name: 'a file', values: { datastore: 'sqlite:/x/y.db' }, datastore: { kind: 'sqlite', file: '/x/y.db' } },
  {
    name: 'one member',
    values: { datastore: 'etcd://10.0.0.1:2379' },
    datastore: { kind: 'etcd', endpoints: ['http://10.0.0.1:2379'], prefix: '/registry' },
  },
  {
    name: 'three members, IPv6 too, and a prefix',
    values: { datastore: 'etcd://a:1,[fd00::1]:2,c:3', 'etcd-prefix': '/my/cluster/' },
    datastore: { kind: 'etcd', endpoints: ['http://a:1', 'http://[fd00::1]:2', 'http://c:3'], prefix: '/my/cluster' },
  },
  {
    name: 'TLS by scheme',
    values: { datastore: 'etcd+https://a:1' },
    datastore: { kind: 'etcd', endpoints: ['https://a:1'], prefix: '/registry' },
  },
  {
    name: 'TLS because of its files',
    values: { datastore: 'etcd://a:1', 'etcd-cafile': pem, 'etcd-certfile': pem, 'etcd-keyfile': pem },
    datastore: {
      kind: 'etcd',
      endpoints: ['https://a:1'],
      prefix: '/registry',
      caFile: pem,
      certificateFile: pem,
      keyFile: pem,
    },
  },
  {
    name: 'a user',
    values: { datastore: 'etcd://a:1', 'etcd-username': 'fairlead', 'etcd-password-file': pem },
    datastore: {
      kind: 'etcd',
      endpoints: ['http://a:1'],
      prefix: '/registry',
      user: { name: 'fairlead', passwordFile: pem },
    },
  },
];

for (const { name, values, datastore } of rows) {
  test(`datastore: ${name}`, () => {
    const reader = new SettingReader(values);
    const read = readDatastore(reader, '/data');
    assert.deepEqual(reader.problems, []);
    assert.deepEqual(read, datastore);
    // A child process reads the same.
    const args = datastoreArguments(read);
    const passed: Record<string, string> = {};
    for (let index = 0; index < args.length; index += 2) passed[args[index]!.slice(2)] = args[index + 1]!;
    assert.deepEqual(readDatastore(new SettingReader(passed), '/elsewhere'), datastore);
  });
}

const mistakes: readonly { readonly values: SettingValues; readonly problem: RegExp }[] = [
  { values: { datastore: 'postgres://x' }, problem: /must be sqlite:FILE or etcd:/ },
  { values: { datastore: 'sqlite:' }, problem: /must be sqlite:FILE or etcd:/ },
  {
    values: { datastore: 'etcd://a:1', 'etcd-username': 'x' },
    problem: /etcd-username and --etcd-password-file belong together/,
  },
  { values: { datastore: 'etcd://' }, problem: /\(nothing\) is not HOST:PORT/ },
  { values: { datastore: 'etcd://a:1,b' }, problem: /b is not HOST:PORT/ },
  { values: { datastore: 'etcd://u:p@a:1' }, problem: /is not HOST:PORT/ },
  { values: { datastore: 'etcd://a:1/x' }, problem: /is not HOST:PORT/ },
  { values: { datastore: 'etcd://a:1', 'etcd-prefix': 'registry' }, problem: /--etcd-prefix registry: must be a path/ },
  { values: { datastore: 'etcd://a:1', 'etcd-certfile': pem }, problem: /belong together/ },
  { values: { datastore: 'etcd://a:1', 'etcd-cafile': '/none/ca' }, problem: /--etcd-cafile .*no such file/ },
];

for (const { values, problem } of mistakes) {
  test(`datastore: ${JSON.stringify(values).replaceAll(pem, 'PEM')} is refused`, () => {
    const reader = new SettingReader(values);
    readDatastore(reader, '/data');
    assert.equal(reader.problems.length, 1, reader.problems.join('; '));
    assert.match(reader.problems[0]!, problem);
  });
}
