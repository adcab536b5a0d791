import { type AccessLogRules, DEFAULT_ACCESS_LOG_RULES } from '../gateway/access-log/access-log-rules.ts';
import { compileLogFormat, type LogFormat, NAMED_LOG_FORMATS } from '../gateway/access-log/log-format.ts';
import type { Setting, SettingReader } from './settings.ts';

/** Settings of the gateway's access log. */
export const gatewayLogSettings: readonly Setting[] = [
  {
    name: 'gateway-access-log',
    value: 'PLACE',
    description: "a line per request: 'stdout' or a file, opened anew when it is renamed (default 'off')",
  },
  {
    name: 'gateway-access-log-format',
    value: 'FORMAT',
    description: `${Object.keys(NAMED_LOG_FORMATS).join(', ')}, or a template of variables of nginx ($status) or Envoy (%RESPONSE_CODE%)`,
  },
  {
    name: 'gateway-access-log-fields',
    value: 'LIST',
    description: 'fields of JSON lines, header.NAME for a request header',
  },
  {
    name: 'gateway-access-log-status',
    value: 'RANGES',
    description: 'only these statuses, as 400-599 (default: all; 0: no answer)',
  },
  { name: 'gateway-access-log-sample', value: 'SHARE', description: 'part of the requests, as 10% (default 100%)' },
];

/** Where access log lines go, and which. */
export interface GatewayLogOptions {
  /** A file, or `stdout`. */
  readonly target: string;
  readonly rules: AccessLogRules;
}

/** Reads {@link gatewayLogSettings}; problems go to the reader. Undefined: there is no access log. */
export function readGatewayLog(reader: SettingReader): GatewayLogOptions | undefined {
  const target = reader.text('gateway-access-log') ?? 'off';
  const rules = { format: readFormat(reader), statuses: readStatuses(reader), share: readSample(reader) };
  const isOff = target === 'off' || target === '';
  if (isOff && gatewayLogSettings.slice(1).some(({ name }) => reader.text(name) !== undefined)) {
    reader.problems.push('--gateway-access-log-…: has no effect without --gateway-access-log');
  }
  return isOff ? undefined : { target, rules };
}

function readFormat(reader: SettingReader): LogFormat {
  const text = reader.text('gateway-access-log-format');
  const fields = reader.text('gateway-access-log-fields');
  let setting = 'gateway-access-log-format';
  let format = DEFAULT_ACCESS_LOG_RULES.format;
  if (text !== undefined) {
    format = NAMED_LOG_FORMATS[text] ?? { type: 'template', text };
    // A word is a mistake rather than a line that is always the same.
    if (format.type === 'template' && !/[$%]/.test(format.text)) {
      reader.problems.push(
        `--${setting} ${text}: is none of ${Object.keys(NAMED_LOG_FORMATS).join(', ')}, and no template`,
      );
    }
  }
  if (fields !== undefined) {
    setting = 'gateway-access-log-fields';
    if (format.type !== 'json') reader.problems.push(`--${setting}: is for JSON lines`);
    format = {
      type: 'json',
      fields: fields
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
    };
  }
  const result = compileLogFormat(format);
  if (!result.ok) for (const problem of result.problems) reader.problems.push(`--${setting}: ${problem}`);
  return format;
}

function readStatuses(reader: SettingReader): (readonly [first: number, last: number])[] {
  const text = reader.text('gateway-access-log-status') ?? '';
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .flatMap((part) => {
      const [, first = '', last = first] = /^(\d{1,3})(?:-(\d{3}))?$/.exec(part) ?? [];
      const isRange = first !== '' && Number(first) <= Number(last) && Number(last) <= 599;
      if (isRange) return [[Number(first), Number(last)] as const];
      reader.problems.push(`--gateway-access-log-status ${part}: must be a status or a range like 400-599`);
      return [];
    });
}

function readSample(reader: SettingReader): number {
  const text = reader.text('gateway-access-log-sample');
  if (text === undefined) return 1;
  const share = /^\d+(\.\d+)?%$/.test(text) ? Number(text.slice(0, -1)) / 100 : Number.NaN;
  if (share > 0 && share <= 1) return share;
  reader.problems.push(`--gateway-access-log-sample ${text}: must be a percentage above 0, like 10%`);
  return 1;
}

/** The same settings, checked, as flags for the gateway's process. */
export function gatewayLogArgs(reader: SettingReader): readonly string[] {
  const before = reader.problems.length;
  readGatewayLog(reader);
  if (reader.problems.length > before) return [];
  return gatewayLogSettings.flatMap(({ name }) => {
    const text = reader.text(name);
    return text === undefined ? [] : [`--${name}`, text];
  });
}
