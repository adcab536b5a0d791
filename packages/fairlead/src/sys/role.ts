/** What every long-running part of a role gives to its owner. */
export interface Running {
  /** Drains and removes all it installed. Idempotent. */
  stop(): Promise<void>;
}

/** Severity of a log line; `debug` is hidden unless asked for. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** A structured log, injected. `fields` are printed as `key=value`. */
export type Log = (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void;
