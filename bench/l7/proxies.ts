import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect as netConnect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../packages/fairlead/src/sys/testing/free-ports.ts';
import { findEnvoy } from './find-envoy.ts';
import {
  caddyConfig,
  envoyConfig,
  haproxyConfig,
  type Identity,
  nginxConfig,
  type PeerInput,
  upstreamConfig,
} from './peer-configs.ts';
import { type L7Row, SMALL_BODY_BYTES } from './rows.ts';

/** A proxy that listens. */
export interface RunningProxy {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
}

/** The upstream and all proxies of one row, and what they need on disk. */
export interface ProxySet extends AsyncDisposable {
  readonly proxies: readonly RunningProxy[];
  readonly upstreamPort: number;
  /** Proxies left out, each with the reason. */
  readonly skipped: readonly string[];
  /** File of a framed gRPC request message. */
  readonly grpcRequest: string;
}

function identityOf(folder: string, key: 'ecdsa' | 'rsa'): Identity {
  const files = {
    certificate: join(folder, 'edge.crt'),
    privateKey: join(folder, 'edge.key'),
    both: join(folder, 'edge.pem'),
  };
  const keyType = key === 'rsa' ? ['rsa:2048'] : ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  const names = ['-subj', '/CN=shop.example', '-addext', 'subjectAltName=DNS:shop.example,IP:127.0.0.1'];
  const out = ['-keyout', files.privateKey, '-out', files.certificate];
  execFileSync('openssl', ['req', '-x509', '-newkey', ...keyType, '-nodes', '-days', '30', ...names, ...out], {
    stdio: 'ignore',
  });
  writeFileSync(files.both, readFileSync(files.certificate, 'utf8') + readFileSync(files.privateKey, 'utf8'));
  return files;
}

async function awaitPort(child: ChildProcess, port: number): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt++) {
    if (child.exitCode !== null) throw new Error(`ended with code ${child.exitCode}`);
    const open = await new Promise<boolean>((resolve) => {
      const socket = netConnect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
    if (open) return;
    await sleep(50);
  }
  throw new Error(`nothing listens on port ${port}`);
}

function hasCommand(command: string): boolean {
  try {
    execFileSync('which', [command], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Starts what a row compares, one worker each. Without Envoy, HAProxy or Caddy the others run. */
export async function startProxies(row: L7Row): Promise<ProxySet> {
  const folder = mkdtempSync(join(tmpdir(), 'l7-bench-'));
  const children: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(
      children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = once(child, 'exit');
        child.kill('SIGTERM');
        // Some wait for their clients.
        const kill = setTimeout(() => child.kill('SIGKILL'), 3000);
        await ended;
        clearTimeout(kill);
      }),
    );
    rmSync(folder, { recursive: true, force: true });
  };
  const launch = async (name: string, port: number, command: string, args: string[]): Promise<RunningProxy> => {
    const complaints = join(folder, `${name}.stderr`);
    const child = spawn(command, args, {
      stdio: ['ignore', 'ignore', openSync(complaints, 'w')],
      env: {
        ...process.env,
        GOMAXPROCS: '1',
        HOME: folder,
        XDG_DATA_HOME: folder,
        XDG_CONFIG_HOME: folder,
        // As `fairlead` itself does.
        NODE_COMPILE_CACHE: join(tmpdir(), 'fairlead-bench-cache'),
      },
    });
    children.push(child);
    try {
      await awaitPort(child, port);
    } catch (error) {
      throw new Error(`${name}: ${(error as Error).message}\n${readFileSync(complaints, 'utf8')}`);
    }
    return { name, port, pid: child.pid! };
  };
  const file = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  try {
    const message = Buffer.concat([Buffer.from([0, 0, 0, 0, SMALL_BODY_BYTES]), Buffer.alloc(SMALL_BODY_BYTES, 'x')]);
    const grpcRequest = file('request', message);
    const text = row.gzip === true ? readFileSync(new URL('proxies.ts', import.meta.url)) : '0123456789';
    file('body', row.grpc === true ? message : Buffer.alloc(row.bodyBytes, text));
    // nginx reads it as another user, where it is started by root.
    execFileSync('chmod', ['a+rx', folder]);
    const identity = row.tls === undefined ? undefined : identityOf(folder, row.tls);
    const upstream = await freePort();
    await launch('upstream', upstream, 'nginx', ['-c', file('upstream.conf', upstreamConfig(folder, row, upstream))]);
    const input = async (): Promise<PeerInput> => ({ folder, row, port: await freePort(), upstream, identity });
    const proxies: RunningProxy[] = [];
    const skipped: string[] = [];

    const ours = await freePort();
    const certificate = identity === undefined ? [] : [identity.certificate, identity.privateKey];
    const program = [fileURLToPath(new URL('gateway.ts', import.meta.url)), `${ours}`, `${upstream}`, row.upstream];
    const features = [
      ...(row.gzip === true ? ['--gzip'] : []),
      ...(row.accessLog === true ? ['--access-log', join(folder, 'fairlead.log')] : []),
    ];
    proxies.push(await launch('fairlead', ours, process.execPath, [...program, ...certificate, ...features]));

    const nginx = await input();
    proxies.push(await launch('nginx', nginx.port, 'nginx', ['-c', file('nginx.conf', nginxConfig(nginx))]));

    if (features.length > 0)
      return { proxies, upstreamPort: upstream, skipped, grpcRequest, [Symbol.asyncDispose]: stop };

    if (hasCommand('haproxy')) {
      const haproxy = await input();
      const args = ['-db', '-f', file('haproxy.cfg', haproxyConfig(haproxy))];
      proxies.push(await launch('haproxy', haproxy.port, 'haproxy', args));
    } else skipped.push('HAProxy: not installed (apt-get install haproxy)');

    const envoyBinary = findEnvoy();
    if (envoyBinary !== undefined) {
      const envoy = await input();
      const config = ['-c', file('envoy.json', envoyConfig(envoy))];
      const quiet = ['--concurrency', '1', '--disable-hot-restart', '--log-level', 'error'];
      proxies.push(await launch('envoy', envoy.port, envoyBinary, [...config, ...quiet]));
    } else skipped.push('Envoy: neither named by ENVOY nor in PATH (conformance/envoy/fetch FOLDER installs one)');

    if (hasCommand('caddy')) {
      const caddy = await input();
      const config = ['--config', file('Caddyfile', caddyConfig(caddy)), '--adapter', 'caddyfile'];
      proxies.push(await launch('caddy', caddy.port, 'caddy', ['run', ...config]));
    } else skipped.push('Caddy: not installed (apt-get install caddy)');
    return { proxies, upstreamPort: upstream, skipped, grpcRequest, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
