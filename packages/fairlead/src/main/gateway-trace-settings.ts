import { resolve } from 'node:path';
import type { SpanAttribute } from '../telemetry/span.ts';
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
  {
    name: 'gateway-trace-headers-file',
    value: 'FILE',
    description:
      'lines NAME: VALUE that the collector gets with each request, such as a token; read anew when it changes',
  },
  {
    name: 'gateway-trace-attributes',
    value: 'KEY=VALUE,...',
    description: 'what spans say of their gateway: deployment.environment.name=prod, or another service.name',
  },
];

/** How requests are traced, and where spans go. */
export interface GatewayTraceOptions {
  readonly url: URL;
  readonly share: number;
  readonly b3: boolean;
  /** Further headers for the collector are here; undefined: there are none. */
  readonly headersFile?: string;
  /** Attributes of the gateway as a resource, beside and before its own. */
  readonly attributes: readonly SpanAttribute[];
}

const SHARE = 0.01;

/** Reads {@link gatewayTraceSettings}; problems go to the reader. Undefined: nothing is traced. */
export function readGatewayTrace(reader: SettingReader): GatewayTraceOptions | undefined {
  const text = reader.text('gateway-trace-otlp');
  const sample = reader.text('gateway-trace-sample');
  const b3 = reader.switched('gateway-trace-b3');
  const headersFile = reader.text('gateway-trace-headers-file');
  const attributes = readAttributes(reader);
  if (text === undefined || text === 'off') {
    if (sample !== undefined || b3 || headersFile !== undefined || attributes.length > 0)
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
  return { url, share, b3, attributes, ...(headersFile === undefined ? {} : { headersFile: resolve(headersFile) }) };
}

/** `a=b,c=d`, values percent-encoded where they have commas or spaces, as OTEL_RESOURCE_ATTRIBUTES has them. */
function readAttributes(reader: SettingReader): readonly SpanAttribute[] {
  const name = 'gateway-trace-attributes';
  const attributes: SpanAttribute[] = [];
  for (const part of (reader.text(name) ?? '').split(',').map((each) => each.trim())) {
    if (part === '') continue;
    const [, key = '', value = ''] = /^([A-Za-z][\w.-]*)\s*=\s*([\x21-\x7e]*)$/.exec(part) ?? [];
    const decoded = percentDecoded(value);
    if (key === '' || decoded === undefined) reader.problems.push(`--${name} ${part}: must be KEY=VALUE`);
    else attributes.push([key, decoded]);
  }
  return attributes;
}

/** Undefined for a percent sign without two digits, or with bytes that are no UTF-8. */
function percentDecoded(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
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
