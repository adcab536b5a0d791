import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock, systemRandom } from '../../../sys/clock.ts';
import { ApiServerError } from '../../api-server-error.ts';
import { CertificateAuthority } from '../../pki/certificate-authority.ts';
import { type EtcdDatastore, openStorage } from '../open-storage.ts';
import { etcdSkip, startEtcd } from './testing/etcd-cluster.ts';

test('an etcd that wants client certificates', { skip: etcdSkip() }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-etcd-tls-'));
  const authority = CertificateAuthority.open(join(folder, 'pki'), systemClock);
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const server = authority.issue({ commonName: 'etcd', organizations: [], hosts: ['127.0.0.1', 'localhost'] });
  const client = authority.issue({ commonName: 'fairlead', organizations: [] });
  const caFile = file('ca.crt', authority.certificate);
  const etcd = await startEtcd({
    tls: { certificate: file('server.crt', server.certificate), key: file('server.key', server.key), ca: caFile },
  });
  const datastore: EtcdDatastore = { kind: 'etcd', endpoints: etcd.endpoints, prefix: '/registry', caFile };
  // Without a proof of who we are there is no connection; the wait for it is ended.
  const open = async (target: EtcdDatastore, waitMs: number): ReturnType<typeof openStorage> => {
    const giveUp = new AbortController();
    const cancel = systemClock.after(waitMs, () => giveUp.abort());
    const surroundings = { clock: systemClock, random: systemRandom, log: () => undefined, signal: giveUp.signal };
    return openStorage(target, surroundings).finally(cancel);
  };
  const closed = (error: unknown): boolean => error instanceof ApiServerError && error.code === 'Closed';
  try {
    const certificateFile = file('client.crt', client.certificate);
    const keyFile = file('client.key', client.key);
    const storage = await open({ ...datastore, certificateFile, keyFile }, 20_000);
    assert.ok((await storage.commit({ key: '/a/x', expect: 0, value: '1' })).ok);
    assert.equal(await storage.obstacle(), undefined);
    await storage.close();
    await assert.rejects(open(datastore, 700), closed);
    const { caFile: _, ...stranger } = datastore;
    await assert.rejects(open({ ...stranger, certificateFile, keyFile }, 700), closed);
  } finally {
    await etcd.dispose();
    rmSync(folder, { recursive: true });
  }
});
