import { connect } from 'node:http2';
import type { Clock } from '../../sys/clock.ts';
import type { ProbeOutcome } from './run-probe.ts';

/** `grpc.health.v1.HealthCheckResponse.SERVING` */
const SERVING = 1;

/** A `HealthCheckRequest` as a gRPC message: 1 byte flags, 4 bytes length, field 1 = service. */
export function encodeHealthRequest(service: string): Buffer {
  const name = Buffer.from(service);
  if (name.length > 127) throw new RangeError('service name longer than 127 bytes');
  const message = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(message.length, 1);
  return Buffer.concat([frame, message]);
}

/** The status of a `HealthCheckResponse` in a gRPC message; 0 (UNKNOWN) when it has none. */
export function decodeHealthStatus(data: Buffer): number {
  return data.length >= 7 && data[5] === 0x08 ? data[6]! : 0;
}

/** `grpc.health.v1.Health/Check` over plain HTTP/2; only SERVING passes. */
export function probeGrpc(
  host: string,
  port: number,
  service: string,
  timeoutMs: number,
  clock: Clock,
): Promise<ProbeOutcome> {
  return new Promise((settle) => {
    const session = connect(`http://${host.includes(':') ? `[${host}]` : host}:${port}`);
    const finish = (ok: boolean, detail: string): void => {
      cancel();
      settle({ ok, detail });
      session.destroy();
    };
    const cancel = clock.after(timeoutMs, () => finish(false, `no answer within ${timeoutMs} ms`));
    session.on('error', (error) => finish(false, error.message));
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const parts: Buffer[] = [];
    let code = '';
    stream.on('response', (headers) => {
      code = String(headers['grpc-status'] ?? '');
    });
    stream.on('trailers', (headers) => {
      code = String(headers['grpc-status'] ?? code);
    });
    stream.on('data', (chunk: Buffer) => parts.push(chunk));
    stream.on('error', (error) => finish(false, error.message));
    stream.on('end', () => {
      const status = decodeHealthStatus(Buffer.concat(parts));
      finish(code === '0' && status === SERVING, `grpc status ${code}, health ${status}`);
    });
    stream.end(encodeHealthRequest(service));
  });
}
