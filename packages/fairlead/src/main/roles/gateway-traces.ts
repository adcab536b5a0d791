import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { systemClock, systemRandom } from '../../sys/clock.ts';
import type { Log } from '../../sys/role.ts';
import type { RunningOtlpExporter } from '../../telemetry/otlp-exporter.ts';
import type { SpanAttribute } from '../../telemetry/span.ts';
import type { GatewayTraceOptions } from '../gateway-trace-settings.ts';
import { openHeaderFile } from './header-file.ts';

/** Starts sending spans to the collector; undefined where nothing is traced. */
export async function startTraces(
  options: GatewayTraceOptions | undefined,
  log: Log,
): Promise<RunningOtlpExporter | undefined> {
  if (options === undefined) return undefined;
  const { startOtlpExporter } = await import('../../telemetry/otlp-exporter.ts');
  const { attributes, headersFile } = options;
  const told = new Set(attributes.map(([key]) => key));
  const own: readonly SpanAttribute[] = [
    ['service.name', 'fairlead-gateway'],
    ['service.instance.id', randomUUID()],
    ['host.name', hostname()],
  ];
  return startOtlpExporter({
    url: options.url,
    resource: [...own.filter(([key]) => !told.has(key)), ...attributes],
    ...(headersFile === undefined ? {} : { headers: await openHeaderFile(headersFile, log) }),
    clock: systemClock,
    random: systemRandom,
    log,
  });
}
