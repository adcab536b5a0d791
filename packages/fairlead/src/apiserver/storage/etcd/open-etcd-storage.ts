import { readFileSync } from 'node:fs';
import { ApiServerError } from '../../api-server-error.ts';
import type { EtcdDatastore, StorageSurroundings } from '../open-storage.ts';
import type { EtcdCredentials } from './etcd-client.ts';
import { EtcdStorage } from './etcd-storage.ts';
import type { EtcdTls } from './grpc-connection.ts';

/** Opens the store in an etcd cluster; rejects with an `ApiServerError`. */
export async function openEtcdStorage(
  datastore: EtcdDatastore,
  surroundings: StorageSurroundings,
): Promise<EtcdStorage> {
  return EtcdStorage.open({
    endpoints: datastore.endpoints,
    prefix: datastore.prefix,
    ...readAccess(datastore),
    ...surroundings,
  });
}

/** Reads the files of the way to etcd; throws `KeyMaterial`. */
export function readAccess({ caFile, certificateFile, keyFile, user }: EtcdDatastore): {
  readonly tls: EtcdTls;
  readonly credentials?: EtcdCredentials;
} {
  const tls = {
    ...(caFile === undefined ? {} : { ca: readText(caFile) }),
    ...(certificateFile === undefined ? {} : { certificate: readText(certificateFile) }),
    ...(keyFile === undefined ? {} : { key: readText(keyFile) }),
  };
  if (user === undefined) return { tls };
  // Editors end a file with a line's end; passwords have none.
  const password = readText(user.passwordFile).replace(/\r?\n$/, '');
  return { tls, credentials: { name: user.name, password } };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ApiServerError('KeyMaterial', `cannot read ${file}: ${(error as Error).message}`, error);
  }
}
