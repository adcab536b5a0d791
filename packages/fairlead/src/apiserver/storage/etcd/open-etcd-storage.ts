import { readFileSync } from 'node:fs';
import { ApiServerError } from '../../api-server-error.ts';
import type { EtcdDatastore, StorageSurroundings } from '../open-storage.ts';
import { EtcdStorage } from './etcd-storage.ts';

/** Opens the store in an etcd cluster; rejects with an `ApiServerError`. */
export async function openEtcdStorage(
  datastore: EtcdDatastore,
  surroundings: StorageSurroundings,
): Promise<EtcdStorage> {
  const { caFile, certificateFile, keyFile } = datastore;
  return EtcdStorage.open({
    endpoints: datastore.endpoints,
    prefix: datastore.prefix,
    tls: {
      ...(caFile === undefined ? {} : { ca: readPem(caFile) }),
      ...(certificateFile === undefined ? {} : { certificate: readPem(certificateFile) }),
      ...(keyFile === undefined ? {} : { key: readPem(keyFile) }),
    },
    ...surroundings,
  });
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ApiServerError('KeyMaterial', `cannot read ${file}: ${(error as Error).message}`, error);
  }
}
