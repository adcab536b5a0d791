import type { LifecycleHandler } from '@fairlead/api';
import { type ProbeOutcome, type ProbeTarget, probeHttp, probeTcp, resolvePort } from '../probes/run-probe.ts';

/** Runs a postStart or preStop handler, at most `timeoutMs` long; never rejects. */
export async function runHook(
  handler: LifecycleHandler,
  timeoutMs: number,
  target: ProbeTarget,
): Promise<ProbeOutcome> {
  if (handler.exec !== undefined) return target.exec(handler.exec.command ?? [], timeoutMs);
  if (handler.httpGet !== undefined) return probeHttp(handler.httpGet, timeoutMs, target);
  if (handler.sleep !== undefined) {
    await target.clock.sleep(Math.min(handler.sleep.seconds * 1000, timeoutMs));
    return { ok: true, detail: '' };
  }
  if (handler.tcpSocket !== undefined) {
    const port = resolvePort(handler.tcpSocket.port, target.container);
    if (port === undefined) return { ok: false, detail: `port ${handler.tcpSocket.port} is not declared` };
    return probeTcp(handler.tcpSocket.host ?? target.podIp, port, timeoutMs, target.clock);
  }
  return { ok: true, detail: '' };
}
