import { type Clock, systemClock } from '../sys/clock.ts';
import type { Log, LogLevel } from '../sys/role.ts';

/** What is logged, and how. */
export interface LogOptions {
  /** Lines below it are dropped. Default `info`. */
  readonly level?: LogLevel;
  /** Default `logfmt`. */
  readonly format?: 'logfmt' | 'json';
  /** Fields of every line, e.g. `{ role: 'agent' }`. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Takes one line without its newline. Default: stderr. */
  readonly write?: (line: string) => void;
  readonly clock?: Clock;
}

const severity: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Makes a {@link Log}: one line per call, `time=… level=… msg=… key=value`, or the same as JSON. */
export function createLog(options: LogOptions = {}): Log {
  const { level: lowest = 'info', format = 'logfmt', fields = {}, clock = systemClock } = options;
  const write = options.write ?? ((line: string): void => void process.stderr.write(`${line}\n`));
  return (level, message, more) => {
    if (severity[level] < severity[lowest]) return;
    const entry = { time: new Date(clock.now()).toISOString(), level, msg: message, ...fields, ...more };
    write(format === 'json' ? JSON.stringify(entry, jsonValue) : formatLogfmt(entry));
  };
}

/** `key=value` pairs; values that hold spaces, quotes, `=` or control characters are quoted as in JSON. */
export function formatLogfmt(entry: Readonly<Record<string, unknown>>): string {
  const pairs: string[] = [];
  for (const [key, value] of Object.entries(entry)) {
    if (value !== undefined) pairs.push(`${key}=${logfmtValue(value)}`);
  }
  return pairs.join(' ');
}

function logfmtValue(value: unknown): string {
  const text =
    typeof value === 'string'
      ? value
      : value instanceof Error
        ? value.message
        : (JSON.stringify(value, jsonValue) ?? String(value));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a control character must not break the line
  return text === '' || /[\s"=\\\u0000-\u001f\u007f]/.test(text) ? JSON.stringify(text) : text;
}

function jsonValue(_key: string, value: unknown): unknown {
  if (value instanceof Error) return value.message;
  return typeof value === 'bigint' ? value.toString() : value;
}
