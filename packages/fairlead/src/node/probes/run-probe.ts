import { request as httpsRequest } from 'node:https';
import { connect as connectTcp } from 'node:net';
import type { Container, HTTPGetAction, IntOrString, Probe } from '@fairlead/api';
import type { Clock } from '../../sys/clock.ts';
import { nodeHttp } from '../../sys/node-http.ts';

/** Outcome of one attempt; `detail` goes into the event. */
export interface ProbeOutcome {
  readonly ok: boolean;
  readonly detail: string;
}

/** Where and how to probe. */
export interface ProbeTarget {
  readonly podIp: string;
  readonly container: Container;
  readonly clock: Clock;
  /** Runs a command in the container's sandbox. */
  readonly exec: (command: readonly string[], timeoutMs: number) => Promise<ProbeOutcome>;
}

/** Number of a port given as number, numeric text or the name of a container port. */
export function resolvePort(port: IntOrString | undefined, container: Container): number | undefined {
  if (typeof port === 'number') return port;
  if (port === undefined) return undefined;
  if (/^\d+$/.test(port)) return Number(port);
  return container.ports?.find((candidate) => candidate.name === port)?.containerPort;
}

/** Runs one attempt of a probe; never rejects. */
export async function runProbe(probe: Probe, timeoutMs: number, target: ProbeTarget): Promise<ProbeOutcome> {
  if (probe.exec !== undefined) return target.exec(probe.exec.command ?? [], timeoutMs);
  if (probe.httpGet !== undefined) return probeHttp(probe.httpGet, timeoutMs, target);
  if (probe.tcpSocket !== undefined) {
    const port = resolvePort(probe.tcpSocket.port, target.container);
    if (port === undefined) return { ok: false, detail: `port ${probe.tcpSocket.port} is not declared` };
    return probeTcp(probe.tcpSocket.host ?? target.podIp, port, timeoutMs, target.clock);
  }
  if (probe.grpc !== undefined) {
    const { probeGrpc } = await import('./grpc-probe.ts');
    return probeGrpc(target.podIp, probe.grpc.port, probe.grpc.service ?? '', timeoutMs, target.clock);
  }
  return { ok: true, detail: 'no handler' };
}

/** GET with the probe's headers; 200 to 399 passes. Certificates are not checked, as in Kubernetes. */
export function probeHttp(action: HTTPGetAction, timeoutMs: number, target: ProbeTarget): Promise<ProbeOutcome> {
  const port = resolvePort(action.port, target.container);
  if (port === undefined) return Promise.resolve({ ok: false, detail: `port ${action.port} is not declared` });
  const secure = action.scheme === 'HTTPS';
  const host = action.host === undefined || action.host === '' ? target.podIp : action.host;
  const headers: Record<string, string> = { 'user-agent': 'kube-probe/fairlead', accept: '*/*', connection: 'close' };
  for (const header of action.httpHeaders ?? []) headers[header.name.toLowerCase()] = header.value;
  const path = action.path === undefined || action.path === '' ? '/' : action.path;
  return new Promise((settle) => {
    const options = {
      host,
      port,
      path: path.startsWith('/') ? path : `/${path}`,
      headers,
      agent: false as const,
      rejectUnauthorized: false,
    };
    const finish = (ok: boolean, detail: string): void => {
      cancel();
      settle({ ok, detail });
      request.destroy();
    };
    const request = (secure ? httpsRequest : nodeHttp.request)(options, (response) => {
      const code = response.statusCode ?? 0;
      response.on('error', () => {});
      finish(code >= 200 && code < 400, `HTTP probe failed with statuscode: ${code}`);
    });
    const cancel = target.clock.after(timeoutMs, () => finish(false, `no answer within ${timeoutMs} ms`));
    request.on('error', (error) => finish(false, error.message));
    request.end();
  });
}

/** Passes when the connection is accepted. */
export function probeTcp(host: string, port: number, timeoutMs: number, clock: Clock): Promise<ProbeOutcome> {
  return new Promise((settle) => {
    const socket = connectTcp({ host, port });
    const finish = (ok: boolean, detail: string): void => {
      cancel();
      socket.destroy();
      settle({ ok, detail });
    };
    const cancel = clock.after(timeoutMs, () => finish(false, `no connection within ${timeoutMs} ms`));
    socket.once('connect', () => finish(true, ''));
    socket.on('error', (error) => finish(false, error.message));
  });
}
