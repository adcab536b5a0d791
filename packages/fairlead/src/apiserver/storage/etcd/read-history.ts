import type { EtcdClient } from './etcd-client.ts';
import { EtcdError } from './grpc-connection.ts';
import { decodeStoreRevision, decodeWatch, encodePut, encodeWatch, etcdCalls, type WatchChange } from './messages.ts';

/**
 * The changes under a prefix after a revision up to now, with what each replaced.
 *
 * A watch does not say when it has come to the present, so a key of our own within the prefix is written first: its
 * change is the end. (etcd's progress requests may be answered ahead of changes before 3.4.25 and 3.5.8.)
 */
export async function readHistory(
  client: EtcdClient,
  prefix: string,
  afterRevision: number,
): Promise<{ readonly changes: readonly WatchChange[]; readonly through: number }> {
  const put = await client.call(etcdCalls.put, encodePut(`${prefix}%tick`, ''));
  const until = decodeStoreRevision(put.bytes);
  const changes: WatchChange[] = [];
  await new Promise<void>((resolve, reject) => {
    let failure: EtcdError | undefined;
    let complete = false;
    client
      .stream(etcdCalls.watch, {
        onMessage(bytes) {
          const answer = decodeWatch(bytes);
          if (answer.canceled) {
            const code = answer.compactRevision > 0 ? 'Compacted' : 'Refused';
            failure = new EtcdError(code, `etcd: watch refused: ${answer.cancelReason}`);
          }
          for (const change of answer.changes) {
            if (change.entry.modRevision >= until) complete = true;
            else changes.push(change);
          }
          if (complete || failure !== undefined) opened?.close();
        },
        onEnd(error) {
          if (complete) resolve();
          else reject(failure ?? error);
        },
      })
      .then((stream) => {
        opened = stream;
        stream.send(encodeWatch(prefix, afterRevision, true));
      }, reject);
    let opened: Awaited<ReturnType<EtcdClient['stream']>> | undefined;
  });
  return { changes, through: until };
}
