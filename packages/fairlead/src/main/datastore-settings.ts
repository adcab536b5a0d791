import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Datastore, EtcdDatastore } from '../apiserver/storage/open-storage.ts';
import type { Setting, SettingReader } from './settings.ts';

/** Settings of the store, for every command that opens one. */
export const datastoreSettings: readonly Setting[] = [
  {
    name: 'datastore',
    value: 'URL',
    description: 'sqlite:FILE (default, in DIR) or etcd://HOST:PORT[,HOST:PORT…] (etcd+https:// for TLS)',
  },
  ...etcdSettings(),
];

/** Settings of the way to etcd. */
export function etcdSettings(): readonly Setting[] {
  return [
    { name: 'etcd-prefix', value: 'PATH', description: 'ahead of every key in etcd (default /registry)' },
    { name: 'etcd-cafile', value: 'FILE', description: 'who signs the certificates of etcd' },
    { name: 'etcd-certfile', value: 'FILE', description: 'client certificate for etcd' },
    { name: 'etcd-keyfile', value: 'FILE', description: 'key of the client certificate' },
    { name: 'etcd-username', value: 'NAME', description: "user of etcd's own, where its authentication is on" },
    { name: 'etcd-password-file', value: 'FILE', description: 'file with the password of that user' },
  ];
}

/** Reads `--datastore` and the `--etcd-…` settings; reports problems to the reader. */
export function readDatastore(reader: SettingReader, dataDir: string): Datastore {
  const text = reader.text('datastore') ?? `sqlite:${join(dataDir, 'state.db')}`;
  return parseDatastore(reader, '--datastore', text);
}

/** Reads one store URL with the `--etcd-…` settings; problems name it by `what`. */
export function parseDatastore(reader: SettingReader, what: string, text: string): Datastore {
  const etcd = /^etcd(\+https?)?:\/\/(.*)$/.exec(text);
  if (etcd === null) {
    const file = /^sqlite:(.+)$/.exec(text)?.[1];
    if (file === undefined)
      reader.problems.push(`${what} ${text}: must be sqlite:FILE or etcd://HOST:PORT[,HOST:PORT…]`);
    return { kind: 'sqlite', file: resolve(file ?? 'state.db') };
  }
  const files = {
    caFile: readFileName(reader, 'etcd-cafile'),
    certificateFile: readFileName(reader, 'etcd-certfile'),
    keyFile: readFileName(reader, 'etcd-keyfile'),
  };
  const { caFile, certificateFile, keyFile } = files;
  if ((certificateFile === undefined) !== (keyFile === undefined)) {
    reader.problems.push('--etcd-certfile and --etcd-keyfile belong together');
  }
  const name = reader.text('etcd-username');
  const passwordFile = readFileName(reader, 'etcd-password-file');
  if ((name === undefined) !== (passwordFile === undefined)) {
    reader.problems.push('--etcd-username and --etcd-password-file belong together');
  }
  // A certificate for plain text would never be shown to anybody.
  const scheme = etcd[1] === '+https' || (etcd[1] === undefined && (caFile ?? certificateFile) !== undefined);
  const endpoints = (etcd[2] ?? '').split(',').map((address) => `${scheme ? 'https' : 'http'}://${address}`);
  for (const endpoint of endpoints) {
    if (!isEndpoint(endpoint))
      reader.problems.push(`${what} ${text}: ${endpoint.split('//')[1] || '(nothing)'} is not HOST:PORT`);
  }
  return {
    kind: 'etcd',
    endpoints,
    prefix: readPrefix(reader),
    ...(caFile === undefined ? {} : { caFile }),
    ...(certificateFile === undefined ? {} : { certificateFile }),
    ...(keyFile === undefined ? {} : { keyFile }),
    ...(name === undefined || passwordFile === undefined ? {} : { user: { name, passwordFile } }),
  };
}

/** The store as settings of a child process: what {@link readDatastore} reads back. */
export function datastoreArguments(datastore: Datastore): string[] {
  if (datastore.kind === 'sqlite') return ['--datastore', `sqlite:${datastore.file}`];
  const { endpoints, prefix, caFile, certificateFile, keyFile, user } = datastore;
  const scheme = endpoints[0]?.startsWith('https:') === true ? 'etcd+https' : 'etcd+http';
  return [
    ['--datastore', `${scheme}://${endpoints.map((endpoint) => endpoint.split('//')[1]).join(',')}`],
    ['--etcd-prefix', prefix],
    caFile === undefined ? [] : ['--etcd-cafile', caFile],
    certificateFile === undefined ? [] : ['--etcd-certfile', certificateFile],
    keyFile === undefined ? [] : ['--etcd-keyfile', keyFile],
    user === undefined ? [] : ['--etcd-username', user.name, '--etcd-password-file', user.passwordFile],
  ].flat();
}

/** What a person calls the store. */
export function describeDatastore(datastore: Datastore): string {
  return datastore.kind === 'sqlite' ? datastore.file : `etcd ${etcdAddresses(datastore)}${datastore.prefix}`;
}

function etcdAddresses({ endpoints }: EtcdDatastore): string {
  return endpoints.map((endpoint) => endpoint.split('//')[1]).join(',');
}

function isEndpoint(text: string): boolean {
  try {
    const url = new URL(text);
    return /^[^/]+:[0-9]+$/.test(text.split('//')[1] ?? '') && url.pathname === '/' && url.username === '';
  } catch {
    return false;
  }
}

function readFileName(reader: SettingReader, name: string): string | undefined {
  const value = reader.text(name);
  if (value === undefined) return undefined;
  const file = resolve(value);
  if (!existsSync(file)) reader.problems.push(`--${name} ${value}: there is no such file`);
  return file;
}

function readPrefix(reader: SettingReader): string {
  const given = reader.text('etcd-prefix') ?? '/registry';
  const prefix = given.replace(/\/+$/, '');
  if (!/^(\/[A-Za-z0-9._-]+)+$/.test(prefix)) {
    reader.problems.push(`--etcd-prefix ${given}: must be a path such as /registry`);
  }
  return prefix;
}
