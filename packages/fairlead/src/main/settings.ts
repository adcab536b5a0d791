import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isIP } from 'node:net';

/** One setting: a flag, an environment variable and a key of the configuration file. */
export interface Setting {
  /** Without dashes: `api-listen`. The variable is `FAIRLEAD_API_LISTEN`, the key `api-listen`. */
  readonly name: string;
  /** Placeholder of the value; absent for a switch. */
  readonly value?: string;
  readonly description: string;
  readonly repeatable?: boolean;
  /** Not shown in `--help`: set by the supervisor for its children. */
  readonly internal?: boolean;
}

/** Values by setting name: text, several texts, or a switch. */
export type SettingValues = Readonly<Record<string, string | readonly string[] | boolean | undefined>>;

/** An address to listen on. */
export interface ListenAddress {
  /** IP literal or host name; `0.0.0.0` or `::` where only a port was given. */
  readonly host: string;
  readonly port: number;
}

/** All that is wrong with the configuration, one line each. */
export class ConfigurationError extends Error {
  override readonly name: string = 'ConfigurationError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** The environment variable of a setting. */
export function variableOf(name: string): string {
  return `FAIRLEAD_${name.toUpperCase().replaceAll('-', '_')}`;
}

/**
 * Reads a YAML configuration file: one mapping from setting names to values.
 * @throws ConfigurationError when it cannot be read, or holds an unknown key.
 */
export function readConfigurationFile(file: string, settings: readonly Setting[]): SettingValues {
  let content: unknown;
  try {
    // Loaded where a file is given: it would cost every start of every role some 30 ms.
    const { parse } = createRequire(import.meta.url)('yaml') as typeof import('yaml');
    content = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ConfigurationError([`--config ${file}: ${(error as Error).message.split('\n')[0]}`]);
  }
  if (content === null || content === undefined) return {};
  if (typeof content !== 'object' || Array.isArray(content)) {
    throw new ConfigurationError([`--config ${file}: must be a mapping of settings`]);
  }
  const known = new Map(settings.map((setting) => [setting.name, setting]));
  const problems: string[] = [];
  const values: Record<string, string | readonly string[] | boolean> = {};
  for (const [key, value] of Object.entries(content)) {
    const setting = known.get(key);
    if (setting === undefined) problems.push(`--config ${file}: unknown setting "${key}"`);
    else if (setting.value === undefined) {
      if (typeof value === 'boolean') values[key] = value;
      else problems.push(`--config ${file}: ${key}: must be true or false`);
    } else if (Array.isArray(value)) {
      if (setting.repeatable === true) values[key] = value.map(String);
      else problems.push(`--config ${file}: ${key}: must be one value`);
    } else if (typeof value === 'string' || typeof value === 'number') {
      values[key] = setting.repeatable === true ? [String(value)] : String(value);
    } else problems.push(`--config ${file}: ${key}: must be text or a number`);
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  return values;
}

/** Reads typed values from setting texts and collects every problem. */
export class SettingReader {
  readonly #values: SettingValues;
  readonly problems: string[] = [];

  constructor(values: SettingValues) {
    this.#values = values;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  texts(name: string): readonly string[] {
    const value = this.#values[name];
    if (typeof value === 'string') return [value];
    return typeof value === 'object' ? value : [];
  }

  switched(name: string): boolean {
    const value = this.#values[name];
    return value === true || value === 'true' || value === '1';
  }

  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) this.problems.push(`--${name} is required`);
    return value ?? '';
  }

  oneOf<const T extends string>(name: string, choices: readonly T[], fallback: T): T {
    const value = this.text(name);
    if (value === undefined) return fallback;
    const found = choices.find((choice) => choice === value);
    if (found === undefined) this.problems.push(`--${name} ${value}: must be one of ${choices.join(', ')}`);
    return found ?? fallback;
  }

  integer(name: string, fallback: number, least: number, most: number): number {
    const value = this.text(name);
    if (value === undefined) return fallback;
    const number = Number(value);
    if (/^\d+$/.test(value) && number >= least && number <= most) return number;
    this.problems.push(`--${name} ${value}: must be a whole number from ${least} to ${most}`);
    return fallback;
  }

  /** `5m`, `20s`, `500ms`, in milliseconds. */
  duration(name: string, fallbackMs: number): number {
    const value = this.text(name);
    if (value === undefined) return fallbackMs;
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(value);
    const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match?.[2] ?? ''];
    if (match !== null && unit !== undefined) return Number(match[1]) * unit;
    this.problems.push(`--${name} ${value}: must be a duration such as 20s or 5m`);
    return fallbackMs;
  }

  /**
   * `127.0.0.1:6443`, `[::1]:6443` or `:80`.
   * @param everyHost the host where only a port is given: `0.0.0.0`, or `::` for IPv4 and IPv6
   */
  address(name: string, fallback: string, everyHost: '0.0.0.0' | '::' = '0.0.0.0'): ListenAddress {
    const value = this.text(name) ?? fallback;
    const parsed = parseListenAddress(value, everyHost);
    if (parsed === undefined) this.problems.push(`--${name} ${value}: must be ADDRESS:PORT`);
    return parsed ?? { host: '127.0.0.1', port: 0 };
  }

  /** An IPv4 range, an IPv6 range, or one of each joined by a comma; with the bounds of their prefix lengths. */
  cidrOfEachFamily(
    name: string,
    fallback: string,
    ipv4: readonly [shortest: number, longest: number],
    ipv6: readonly [shortest: number, longest: number],
  ): string {
    const value = this.text(name) ?? fallback;
    const parts = value.split(',').map((part) => part.trim());
    const families = parts.map((part) => {
      const [address = '', length = ''] = part.split('/');
      const family = isIP(address);
      const [least, most] = family === 6 ? ipv6 : ipv4;
      return /^\d+$/.test(length) && Number(length) >= least && Number(length) <= most ? family : 0;
    });
    if (!families.includes(0) && new Set(families).size === families.length) return parts.join(',');
    this.problems.push(
      `--${name} ${value}: must be an IPv4 range with a prefix from /${ipv4[0]} to /${ipv4[1]}, an IPv6 one from /${ipv6[0]} to /${ipv6[1]}, or one of each joined by a comma`,
    );
    return fallback;
  }

  portRange(name: string, fallback: string): { readonly from: number; readonly to: number } {
    const value = this.text(name) ?? fallback;
    const match = /^(\d+)-(\d+)$/.exec(value);
    const [from, to] = [Number(match?.[1]), Number(match?.[2])];
    if (match !== null && from >= 1 && from <= to && to <= 65_535) return { from, to };
    this.problems.push(`--${name} ${value}: must be FIRST-LAST within 1-65535`);
    return { from: 30_000, to: 32_767 };
  }

  domain(name: string, fallback: string): string {
    const value = (this.text(name) ?? fallback).toLowerCase().replace(/\.$/, '');
    const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
    if (value.split('.').every((part) => label.test(part))) return value;
    this.problems.push(`--${name} ${value}: must be a DNS name`);
    return fallback;
  }

  /** @throws ConfigurationError with every problem found so far. */
  finish(): void {
    if (this.problems.length > 0) throw new ConfigurationError(this.problems);
  }
}

/** Parses `ADDRESS:PORT`; `undefined` when it is not one. `everyHost` is the host of `:PORT`. */
export function parseListenAddress(text: string, everyHost: '0.0.0.0' | '::' = '0.0.0.0'): ListenAddress | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  if (port > 65_535) return undefined;
  const host = match[1] ?? (match[2] || everyHost);
  return { host, port };
}

/** Prints an address so that {@link parseListenAddress} reads it back. */
export function formatListenAddress(address: ListenAddress): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}
