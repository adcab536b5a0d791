import type { Server, ServerResponse } from 'node:http';
import { nodeHttp } from '../sys/node-http.ts';
import type { Log } from '../sys/role.ts';
import type { ProgramChanges } from './nft-planner.ts';
import type { ServiceProgram } from './program.ts';

/** A health check port that another program holds. */
export interface HealthCheckNotice {
  readonly service: string;
  readonly reason: 'HealthCheckPortInUse';
  readonly message: string;
}

/** The HTTP servers that tell external load balancers which nodes have endpoints. */
export interface HealthCheckPorts {
  /** Follows the programs; resolves when listening. A port that cannot be had is told, not thrown. */
  apply(changes: ProgramChanges): Promise<void>;
  stop(): Promise<void>;
}

/** Options of {@link createHealthCheckPorts}. */
export interface HealthCheckOptions {
  /** Default: all addresses. */
  readonly addresses?: readonly string[];
  /** Whether the proxy itself is up to date: a node whose rules are stale must get no traffic. */
  readonly healthy: () => boolean;
  readonly log: Log;
  readonly onNotice: (notice: HealthCheckNotice) => void;
}

interface OpenPort {
  readonly port: number;
  readonly servers: readonly Server[];
  /** Read at every request. */
  program: ServiceProgram;
}

function answer(response: ServerResponse, program: ServiceProgram, healthy: boolean): void {
  const [namespace = '', name = ''] = program.key.split('/');
  const count = program.localReadyEndpoints;
  response.writeHead(count > 0 && healthy ? 200 : 503, {
    'content-type': 'application/json',
    'x-content-type-options': 'nosniff',
    'x-load-balancing-endpoint-weight': String(count),
  });
  const body = { service: { namespace, name }, localEndpoints: count, serviceProxyHealthy: healthy };
  response.end(`${JSON.stringify(body, undefined, '\t')}\n`);
}

/**
 * Serves `spec.healthCheckNodePort` of load balancer Services with `externalTrafficPolicy: Local`:
 * 200 while the node has ready endpoints, else 503, with kube-proxy's body and weight header.
 */
export function createHealthCheckPorts(options: HealthCheckOptions): HealthCheckPorts {
  const open = new Map<string, OpenPort>();
  const addresses = options.addresses ?? ['::'];

  const close = async (service: string): Promise<void> => {
    const entry = open.get(service);
    open.delete(service);
    for (const server of entry?.servers ?? []) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  };

  const listen = async (program: ServiceProgram, port: number): Promise<void> => {
    const state = { program };
    const servers: Server[] = [];
    for (const address of addresses) {
      const server = nodeHttp.createServer((_, response) => answer(response, state.program, options.healthy()));
      // A load balancer asks again and again; idle connections must not keep the port when it moves.
      server.keepAliveTimeout = 5000;
      try {
        await new Promise<void>((resolve, reject) => {
          server.once('error', reject);
          server.listen(port, address, resolve);
        });
        servers.push(server);
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? String(error);
        const message = `health check port ${port} on ${address}: ${code === 'EADDRINUSE' ? 'used by another program' : code}`;
        options.log('warn', message, { service: program.key });
        options.onNotice({ service: program.key, reason: 'HealthCheckPortInUse', message });
      }
    }
    if (servers.length > 0) open.set(program.key, Object.assign(state, { port, servers }));
  };

  return {
    apply: async (changes) => {
      // Closed first, so that a port can move from one Service to another.
      for (const [key, program] of changes) {
        const entry = open.get(key);
        if (entry !== undefined && entry.port !== program?.healthCheckNodePort) await close(key);
      }
      for (const [key, program] of changes) {
        if (program?.healthCheckNodePort === undefined) continue;
        const entry = open.get(key);
        if (entry === undefined) await listen(program, program.healthCheckNodePort);
        else entry.program = program;
      }
    },
    stop: async () => {
      for (const key of [...open.keys()]) await close(key);
    },
  };
}
