import type { Setting, SettingReader } from './settings.ts';

/** Settings of the gateway's traces. */
export const gatewayTraceSettings: readonly Setting[] = [
  {
    name: 'gateway-trace-otlp',
    value: 'URL',
    description: 'collector that gets the spans of requests, by OTLP over HTTP: http://HOST:4318 (default: no traces)',
  },
  {
    name: 'gateway-trace-sample',
    value: 'SHARE',
    description: 'part of the traces that begin at the gateway; callers decide about theirs (default 1%)',
  },
  { name: 'gateway-trace-b3', description: 'read and write B3 fields too' },
];

/** How requests are traced, and where spans go. */
export interface GatewayTraceOptions {
  readonly url: URL;
  readonly share: number;
  readonly b3: boolean;
}

const SHARE = 0.01;

/** Reads {@link gatewayTraceSettings}; problems go to the reader. Undefined: nothing is traced. */
export function readGatewayTrace(reader: SettingReader): GatewayTraceOptions | undefined {
  const text = reader.text('gateway-trace-otlp');
  const sample = reader.text('gateway-trace-sample');
  const b3 = reader.switched('gateway-trace-b3');
  if (text === undefined || text === 'off') {
    if (sample !== undefined || b3)
      reader.problems.push('--gateway-trace-…: has no effect without --gateway-trace-otlp');
    return undefined;
  }
  const share = sample === undefined ? SHARE : /^\d+(\.\d+)?%$/.test(sample) ? Number(sample.slice(0, -1)) / 100 : 2;
  if (share > 1) reader.problems.push(`--gateway-trace-sample ${sample}: must be a percentage like 10%`);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.username !== '') {
    reader.problems.push(`--gateway-trace-otlp ${text}: must be http://HOST:PORT or https://HOST:PORT`);
    return undefined;
  }
  // As the environment variables of OpenTelemetry have it: the path of traces is known.
  if (url.pathname === '/') url.pathname = '/v1/traces';
  return { url, share, b3 };
}

/** The same settings, checked, as flags for the gateway's process. */
export function gatewayTraceArgs(reader: SettingReader): readonly string[] {
  const before = reader.problems.length;
  readGatewayTrace(reader);
  if (reader.problems.length > before) return [];
  return gatewayTraceSettings.flatMap(({ name, value }) => {
    if (value === undefined) return reader.switched(name) ? [`--${name}`] : [];
    const text = reader.text(name);
    return text === undefined ? [] : [`--${name}`, text];
  });
}
