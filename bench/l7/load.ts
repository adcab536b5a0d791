import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { treeCpuUs } from '../process-cpu.ts';
import { readWrkReport } from '../wrk-report.ts';
import type { L7Row } from './rows.ts';

const run = promisify(execFile);

const EXIT_TIMEOUT_MS = 20_000;

/** What one round over one proxy gave. */
export interface Sample {
  readonly cpuUs: number;
  readonly perSecond: number;
  /** Latency is known of HTTP/1.1 only: NaN otherwise. */
  readonly p50Us: number;
  readonly p99Us: number;
  /** Answers other than 2xx and 3xx, and connections that failed. */
  readonly errors: number;
}

/** Number and unit as wrk prints them (`1.25ms`), in microseconds. */
function micros(text: string | undefined): number {
  const match = /^([\d.]+)(us|ms|s)$/.exec(text ?? '');
  if (match === null) return Number.NaN;
  return Number(match[1]) * { us: 1, ms: 1000, s: 1_000_000 }[match[2] as 'us' | 'ms' | 's'];
}

/** The load generator gets a core of its own where there is one. */
const PIN: readonly string[] =
  availableParallelism() > 1 ? ['taskset', '-c', `${availableParallelism() - 1}`] : ['env'];

function generator(row: L7Row, port: number, seconds: number, grpcRequest: string): string[] {
  if (row.handshakes === true) {
    return ['openssl', 's_time', '-connect', `127.0.0.1:${port}`, '-new', '-time', `${seconds}`];
  }
  const url = `${row.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}/api/items/1`;
  if (row.client === 'http1') {
    const close = row.reconnect === true ? ['-H', 'Connection: close'] : [];
    const gzip = row.gzip === true ? ['-H', 'Accept-Encoding: gzip'] : [];
    const shape = ['-t1', `-c${row.connections}`, `-d${seconds}`, '--timeout', '10s', '--latency'];
    return ['wrk', ...shape, '-H', 'Host: shop.example', ...close, ...gzip, url];
  }
  const call = ['-d', grpcRequest, '-H', 'content-type: application/grpc', '-H', 'te: trailers'];
  const shape = ['-t', '1', '-c', `${row.connections}`, '-m', `${row.streams ?? 1}`, '-D', `${seconds}`];
  return ['h2load', ...shape, '-H', ':authority: shop.example', ...(row.grpc === true ? call : []), url];
}

/**
 * Loads the proxy of process `pid` for `seconds`, after two of warming up. `grpcRequest` is the file of a framed
 * message. Throws when not one request succeeded.
 */
export async function measureLoad(
  row: L7Row,
  proxy: { readonly name: string; readonly pid: number; readonly port: number },
  seconds: number,
  grpcRequest: string,
): Promise<Sample> {
  const load = async (duration: number): Promise<{ stdout: string }> => {
    // `openssl s_time` has one connection at a time.
    const generators = Array.from({ length: row.handshakes === true ? row.connections : 1 }, () =>
      run(PIN[0]!, [...PIN.slice(1), ...generator(row, proxy.port, duration, grpcRequest)], {
        timeout: duration * 1000 + EXIT_TIMEOUT_MS,
      }),
    );
    return { stdout: (await Promise.all(generators)).map(({ stdout }) => stdout).join('') };
  };
  await load(2);
  const before = treeCpuUs(proxy.pid);
  const { stdout } = await load(seconds);
  const cpuUs = treeCpuUs(proxy.pid) - before;
  const number = (pattern: RegExp): number => Number(pattern.exec(stdout)?.[1] ?? 0);
  let [done, errors] = [0, 0];
  if (row.handshakes === true) {
    done = [...stdout.matchAll(/(\d+) connections in \d+ real seconds/g)].reduce(
      (sum, [, count]) => sum + Number(count),
      0,
    );
  } else if (row.client === 'http1') {
    const report = readWrkReport(stdout);
    done = report.requests - report.refused;
    errors = report.failed;
  } else {
    done = number(/status codes: (\d+) 2xx/);
    errors = number(/, (\d+) failed/) + number(/, (\d+) 4xx/) + number(/, (\d+) 5xx/);
  }
  if (done === 0) throw new Error(`${proxy.name} answered nothing well:\n${stdout}`);
  return {
    cpuUs: cpuUs / done,
    perSecond: done / seconds,
    p50Us: micros(/^\s+50%\s+(\S+)/m.exec(stdout)?.[1]),
    p99Us: micros(/^\s+99%\s+(\S+)/m.exec(stdout)?.[1]),
    errors,
  };
}
