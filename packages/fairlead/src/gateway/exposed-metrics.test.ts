import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderMetrics } from '../telemetry/exposition.ts';
import { MetricRegistry } from '../telemetry/metrics.ts';
import type { BackendLoad } from './backend-loads.ts';
import { registerGatewayMetrics } from './exposed-metrics.ts';
import { createMetricsMemory, METRIC, sumMetrics } from './gateway-metrics.ts';

test('counts of workers and backends in Prometheus text; what is gone from the table is gone from it', () => {
  const memory = createMetricsMemory();
  const worker = new Float64Array(memory);
  let loads: readonly BackendLoad[] = [
    { identity: 'default/web:80', requests: 7, inFlight: 2 },
    { identity: 'shop/api:8080', requests: 1, inFlight: 0 },
  ];
  const registry = new MetricRegistry();
  registerGatewayMetrics(registry, { stats: () => sumMetrics([memory], 1), backendLoads: () => loads });
  worker[METRIC.responses + 2] = 5;
  worker[METRIC.retries] = 1;
  worker[METRIC.connectionsOpen] = 3;
  const lines = (): string[] =>
    renderMetrics(registry, 'prometheus')
      .split('\n')
      .filter((line) => !line.startsWith('#'));
  const first = lines();
  for (const line of [
    'fairlead_gateway_responses_total{class="2xx"} 5',
    'fairlead_gateway_retries_total 1',
    'fairlead_gateway_open_connections 3',
    'fairlead_gateway_backend_requests_total{namespace="default",service="web",port="80"} 7',
    'fairlead_gateway_backend_requests_in_flight{namespace="default",service="web",port="80"} 2',
    'fairlead_gateway_backend_requests_total{namespace="shop",service="api",port="8080"} 1',
  ]) {
    assert.ok(first.includes(line), `${line} in\n${first.join('\n')}`);
  }
  worker[METRIC.retries] = 4;
  loads = [{ identity: 'default/web:80', requests: 9, inFlight: 0 }];
  const second = lines();
  assert.ok(second.includes('fairlead_gateway_retries_total 4'));
  assert.ok(second.includes('fairlead_gateway_backend_requests_total{namespace="default",service="web",port="80"} 9'));
  assert.ok(!second.some((line) => line.includes('shop')), 'a removed backend');
});
