import type { IncomingMessage } from 'node:http';
import type { ApiClient } from '@fairlead/client';
import { gatewayMetricsSource } from '../../controllers/horizontalpodautoscaling/gateway-metrics-source.ts';
import type { MetricsSource } from '../../controllers/horizontalpodautoscaling/metrics-source.ts';
import { systemClock } from '../../sys/clock.ts';
import { nodeHttp } from '../../sys/node-http.ts';

/** A gateway that does not answer by then is taken to be out of reach. */
const answerMs = 3_000;
/** 8,192 Service ports need less than half of it. */
const textMaxBytes = 8 << 20;

/** Where autoscalers read: the gateways of `--gateway-metrics`; undefined when there are none. */
export function gatewayMetrics(places: readonly string[], client: ApiClient): MetricsSource | undefined {
  if (places.length === 0) return undefined;
  return gatewayMetricsSource({
    gateways: places.map((name) => ({ name, read: () => readText(name) })),
    client,
    clock: systemClock,
  });
}

/**
 * The metrics of one gateway.
 * @param place `http://HOST:PORT/metrics`, or `unix:FILE`
 */
function readText(place: string): Promise<string> {
  const signal = AbortSignal.timeout(answerMs);
  const target = place.startsWith('unix:')
    ? { socketPath: place.slice('unix:'.length), path: '/metrics', signal }
    : { signal };
  return new Promise((resolve, reject) => {
    const url = place.startsWith('unix:') ? 'http://localhost/metrics' : place;
    const request = nodeHttp.get(url, target, (response: IncomingMessage) => {
      if (response.statusCode !== 200) {
        response.resume();
        reject(new Error(`answered ${response.statusCode}`));
        return;
      }
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > textMaxBytes) request.destroy(new Error(`more than ${textMaxBytes} bytes`));
      });
      response.on('end', () => resolve(Buffer.concat(chunks).toString()));
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}
