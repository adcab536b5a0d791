import type { RunningGateway } from '../../gateway/start.ts';
import type { Log, Running } from '../../sys/role.ts';
import type { RunningOtlpExporter } from '../../telemetry/otlp-exporter.ts';
import type { ListenAddress } from '../settings.ts';

/** Where the metrics of a gateway are served; absent ones are not. */
export interface GatewayAdminOptions {
  readonly metricsListen?: ListenAddress;
  /** File of a socket, for the controllers of the same system. */
  readonly metricsSocket?: string;
}

/**
 * Serves `/metrics` and the checks beside a gateway. What only observes must not keep requests from being served: an
 * address that cannot be had is logged, and the gateway goes on without.
 */
export async function startGatewayAdmin(
  options: GatewayAdminOptions,
  gateway: RunningGateway,
  traces: RunningOtlpExporter | undefined,
  log: Log,
): Promise<Running> {
  const { metricsListen, metricsSocket } = options;
  if (metricsListen === undefined && metricsSocket === undefined) return { stop: async () => {} };
  const [
    { startAdminServer },
    { MetricRegistry },
    { registerGatewayMetrics, registerTraceMetrics },
    { registerRouteMetrics },
    { LineFeed },
  ] = await Promise.all([
    import('../../telemetry/admin-server.ts'),
    import('../../telemetry/metrics.ts'),
    import('../../gateway/exposed-metrics.ts'),
    import('../../gateway/traffic/route-metrics.ts'),
    import('../../telemetry/line-feed.ts'),
  ]);
  const metrics = new MetricRegistry();
  registerGatewayMetrics(metrics, gateway);
  registerRouteMetrics(metrics, gateway);
  if (traces !== undefined) registerTraceMetrics(metrics, traces);
  const tap = new LineFeed([(take) => gateway.tap(take)]);
  const running: Running[] = [];
  const places = [
    ...(metricsListen === undefined ? [] : [{ address: metricsListen.host, port: metricsListen.port }]),
    ...(metricsSocket === undefined ? [] : [{ socket: metricsSocket, port: 0 }]),
  ];
  for (const place of places) {
    try {
      running.push(await startAdminServer({ ...place, metrics, tap, log }));
    } catch (error) {
      log('warn', 'no metrics of the gateway: the address cannot be had', {
        ...place,
        error: (error as Error).message,
      });
    }
  }
  return {
    async stop() {
      await Promise.all(running.map((server) => server.stop()));
    },
  };
}
