import type { ExchangeRecord } from '../exchange-record.ts';
import { responseFlags } from './response-flags.ts';

/** What a line may say of an exchange. A value that there is none for is undefined. */
export interface LogField {
  /** In JSON, and in templates behind `$`. */
  readonly name: string;
  /** Names that users of nginx know it by, behind `$` in templates. */
  readonly nginx?: string;
  /** Names that users of Envoy know it by, between `%` in templates. */
  readonly envoy?: string;
  readonly value: (exchange: ExchangeRecord, nowMs: number) => string | number | undefined;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (value: number): string => (value < 10 ? `0${value}` : String(value));

/** `21/Nov/2026:18:50:00 +0000`. */
function localTime(nowMs: number): string {
  const at = new Date(nowMs);
  const day = `${two(at.getUTCDate())}/${MONTHS[at.getUTCMonth()]}/${at.getUTCFullYear()}`;
  return `${day}:${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} +0000`;
}

/** Makes a text of a time, once per time. */
function remembered(format: (nowMs: number) => string): (exchange: ExchangeRecord, nowMs: number) => string {
  let lastMs = Number.NaN;
  let text = '';
  return (_, nowMs) => {
    if (nowMs !== lastMs) {
      lastMs = nowMs;
      text = format(nowMs);
    }
    return text;
  };
}

const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;
const orNone = (text: string): string | undefined => (text === '' ? undefined : text);
const pathOf = (target: string): string => target.split('?', 1)[0]!;

/** All fields, in the order in which JSON has them. A closed list: no line can ask for more. */
export const LOG_FIELDS: readonly LogField[] = [
  {
    name: 'time',
    nginx: 'time_iso8601',
    envoy: 'START_TIME',
    value: remembered((nowMs) => new Date(nowMs).toISOString()),
  },
  { name: 'timeLocal', nginx: 'time_local', value: remembered(localTime) },
  { name: 'timeUnix', nginx: 'msec', value: (_, nowMs) => (nowMs / 1000).toFixed(3) },
  {
    name: 'client',
    nginx: 'remote_addr',
    envoy: 'DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT',
    value: ({ client }) => client,
  },
  {
    name: 'peer',
    nginx: 'realip_remote_addr',
    envoy: 'DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT',
    value: ({ identity }) => identity.address,
  },
  { name: 'method', nginx: 'request_method', value: ({ request }) => orNone(request.method) },
  { name: 'host', nginx: 'host', value: ({ request }) => orNone(request.host) },
  { name: 'target', nginx: 'request_uri', value: ({ request }) => orNone(request.target) },
  { name: 'path', nginx: 'uri', value: ({ request }) => orNone(pathOf(request.target)) },
  {
    name: 'query',
    nginx: 'args',
    value: ({ request: { target } }) => orNone(target.slice(pathOf(target).length + 1)),
  },
  { name: 'scheme', nginx: 'scheme', value: ({ isTls }) => (isTls ? 'https' : 'http') },
  { name: 'protocol', nginx: 'server_protocol', envoy: 'PROTOCOL', value: ({ protocol }) => protocol },
  {
    name: 'request',
    nginx: 'request',
    value: ({ request, protocol }) =>
      request.method === '' ? undefined : `${request.method} ${request.target} ${protocol}`,
  },
  { name: 'status', nginx: 'status', envoy: 'RESPONSE_CODE', value: ({ status }) => status },
  { name: 'bytesSent', nginx: 'bytes_sent', value: ({ bytesSent }) => bytesSent },
  {
    name: 'bodyBytesSent',
    nginx: 'body_bytes_sent',
    envoy: 'BYTES_SENT',
    value: ({ bytesSent, headBytes }) => Math.max(0, bytesSent - headBytes),
  },
  {
    name: 'bytesReceived',
    nginx: 'request_length',
    envoy: 'BYTES_RECEIVED',
    value: ({ bytesReceived }) => bytesReceived,
  },
  { name: 'durationMs', envoy: 'DURATION', value: ({ durationMs }) => rounded(durationMs) },
  { name: 'durationS', nginx: 'request_time', value: ({ durationMs }) => (durationMs / 1000).toFixed(3) },
  {
    name: 'upstreamMs',
    envoy: 'RESPONSE_DURATION',
    value: ({ upstreamMs }) => (upstreamMs === undefined ? undefined : rounded(upstreamMs)),
  },
  {
    name: 'upstreamS',
    nginx: 'upstream_response_time',
    value: ({ upstreamMs }) => (upstreamMs === undefined ? undefined : (upstreamMs / 1000).toFixed(3)),
  },
  { name: 'backend', nginx: 'proxy_host', envoy: 'UPSTREAM_CLUSTER', value: ({ tries }) => tries.backend?.key },
  {
    name: 'upstream',
    nginx: 'upstream_addr',
    envoy: 'UPSTREAM_HOST',
    value: ({ tries }) => (tries.backend === undefined ? undefined : tries.endpointLabel),
  },
  {
    name: 'attempts',
    envoy: 'UPSTREAM_REQUEST_ATTEMPT_COUNT',
    value: ({ tries }) => (tries.backend === undefined ? undefined : tries.count),
  },
  {
    name: 'grpcStatus',
    envoy: 'GRPC_STATUS_NUMBER',
    value: ({ tries }) => (tries.grpcStatus >= 0 ? tries.grpcStatus : undefined),
  },
  { name: 'route', envoy: 'ROUTE_NAME', value: ({ route }) => route?.label },
  { name: 'reason', envoy: 'RESPONSE_CODE_DETAILS', value: ({ reason }) => reason },
  { name: 'traceId', envoy: 'TRACE_ID', value: ({ trace }) => trace?.traceId },
  { name: 'spanId', value: ({ trace }) => trace?.spanId },
  {
    name: 'flags',
    envoy: 'RESPONSE_FLAGS',
    value: ({ reason, tries }) => orNone(responseFlags(reason, tries.backend === undefined ? 0 : tries.count)),
  },
];

/** What JSON lines say unless told otherwise. */
export const DEFAULT_LOG_FIELDS: readonly string[] = [
  'time',
  'client',
  'method',
  'host',
  'target',
  'protocol',
  'status',
  'bytesSent',
  'durationMs',
  'backend',
  'upstream',
  'attempts',
  'route',
  'reason',
  'flags',
];
