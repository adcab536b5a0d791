import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Http2Client, runOverClients } from './http2-clients.ts';
import { measureCpu } from './process-cpu.ts';

/** Durable writes of one store. */
export interface WriteResult {
  readonly writesPerSecond: number;
  readonly cpuPerWriteUs: number;
}

/** Protobuf field with a length: tag, length as varint, bytes. */
function lengthField(tag: number, bytes: Uint8Array): Buffer {
  const head = [(tag << 3) | 2];
  for (let rest = bytes.length; ; rest >>>= 7) {
    if (rest < 0x80) {
      head.push(rest);
      break;
    }
    head.push((rest & 0x7f) | 0x80);
  }
  return Buffer.concat([Buffer.from(head), bytes]);
}

/** A gRPC message: flag, length, `etcdserverpb.PutRequest` (1 key, 2 value). */
function putRequest(key: string, value: Uint8Array): Buffer {
  const message = Buffer.concat([lengthField(1, Buffer.from(key)), lengthField(2, value)]);
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(message.length, 1);
  return Buffer.concat([frame, message]);
}

/**
 * A single etcd with its default durability (fsync of the log before each answer), plain h2c gRPC.
 * `meanwhile` runs while it is still there.
 */
export async function measureEtcdWrites(
  folder: string,
  ports: readonly [client: number, peer: number],
  value: Uint8Array,
  concurrency: number,
  writes: number,
  meanwhile: () => Promise<void>,
): Promise<WriteResult> {
  const origin = `http://127.0.0.1:${ports[0]}`;
  const peer = `http://127.0.0.1:${ports[1]}`;
  const child: ChildProcess = spawn(
    'etcd',
    [
      ['--name', 'bench', '--data-dir', join(folder, 'etcd'), '--log-level', 'error'],
      ['--listen-client-urls', origin, '--advertise-client-urls', origin],
      ['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `bench=${peer}`],
    ].flat(),
    { stdio: 'ignore' },
  );
  const ended = once(child, 'exit');
  try {
    const clients = await Promise.all(Array.from({ length: concurrency }, () => openWhenReady(origin, child)));
    const headers = {
      ':method': 'POST',
      ':path': '/etcdserverpb.KV/Put',
      'content-type': 'application/grpc',
      te: 'trailers',
    };
    const put = async (client: Http2Client, index: number): Promise<void> => {
      const answer = await client.send(headers, putRequest(`/bench/${index}`, value));
      if (answer.grpcStatus !== '0')
        throw new Error(`etcd answered ${answer.status}, grpc-status ${answer.grpcStatus}`);
    };
    await runOverClients(clients, Math.ceil(writes / 10), put);
    const { cpuUs, result: seconds } = await measureCpu(child.pid!, () => runOverClients(clients, writes, put));
    for (const client of clients) client.close();
    await meanwhile();
    return { writesPerSecond: writes / seconds, cpuPerWriteUs: cpuUs / writes };
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

async function openWhenReady(origin: string, child: ChildProcess): Promise<Http2Client> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await Http2Client.open(origin);
    } catch (error) {
      if (child.exitCode !== null || attempt > 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
