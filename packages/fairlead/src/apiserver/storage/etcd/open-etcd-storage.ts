import { readFileSync } from 'node:fs';
import { ApiServerError } from '../../api-server-error.ts';
import type { EtcdDatastore, StorageSurroundings } from '../open-storage.ts';
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
    tls: readTls(datastore),
    ...surroundings,
  });
}

/** Reads the PEM files of the way to etcd; throws `KeyMaterial`. */
export function readTls({ caFile, certificateFile, keyFile }: EtcdDatastore): EtcdTls {
  return {
    ...(caFile === undefined ? {} : { ca: readPem(caFile) }),
    ...(certificateFile === undefined ? {} : { certificate: readPem(certificateFile) }),
    ...(keyFile === undefined ? {} : { key: readPem(keyFile) }),
  };
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ApiServerError('KeyMaterial', `cannot read ${file}: ${(error as Error).message}`, error);
  }
}
