import { after, test } from 'node:test';
import { systemClock, systemRandom } from '../../../sys/clock.ts';
import { describeStorage } from '../storage-conformance.ts';
import { EtcdStorage } from './etcd-storage.ts';
import { type EtcdCluster, etcdSkip, startEtcd } from './testing/etcd-cluster.ts';

const skip = etcdSkip();
let shared: Promise<EtcdCluster> | undefined;
let prefixes = 0;

/** One etcd for all tests that do not harm it; each has a prefix of its own. */
function cluster(): Promise<EtcdCluster> {
  shared ??= startEtcd();
  return shared;
}
after(async () => (await shared)?.dispose());

function open(endpoints: readonly string[], prefix: string): Promise<EtcdStorage> {
  return EtcdStorage.open({
    endpoints,
    prefix,
    tls: {},
    clock: systemClock,
    random: systemRandom,
    log: () => undefined,
  });
}

if (skip === false) {
  describeStorage('etcd', async () => {
    const { endpoints } = await cluster();
    const prefix = `/test-${prefixes++}`;
    let storage = await open(endpoints, prefix);
    return {
      storage,
      async reopen() {
        await storage.close();
        storage = await open(endpoints, prefix);
        return storage;
      },
      dispose: () => storage.close(),
    };
  });
} else {
  test('storage: etcd', { skip }, () => undefined);
}
