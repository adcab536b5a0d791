import type { Setting, SettingReader } from './settings.ts';

/** Where autoscalers read requests per second and in flight. */
export const gatewayMetricsSetting: Setting = {
  name: 'gateway-metrics',
  value: 'URL',
  description: 'metrics of a gateway, for autoscalers: http://HOST:PORT/metrics or unix:FILE',
  repeatable: true,
};

/** Places of metrics, checked. */
export function readGatewayMetrics(reader: SettingReader): readonly string[] {
  return reader.texts('gateway-metrics').filter((place) => {
    const ok = /^unix:.+$/.test(place) || (/^http:\/\/\S+$/.test(place) && URL.canParse(place));
    if (!ok) reader.problems.push(`--gateway-metrics ${place}: must be http://HOST:PORT/metrics or unix:FILE`);
    return ok;
  });
}
