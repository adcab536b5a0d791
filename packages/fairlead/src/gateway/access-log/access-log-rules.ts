import { type LogFormat, NAMED_LOG_FORMATS } from './log-format.ts';

/** Which exchanges are logged, and how. */
export interface AccessLogRules {
  readonly format: LogFormat;
  /** Ranges of statuses, both ends included; 0 is an exchange without any. Empty: all. */
  readonly statuses: readonly (readonly [first: number, last: number])[];
  /** Part of them, 0 to 1. */
  readonly share: number;
}

/** What holds unless settings say otherwise. */
export const DEFAULT_ACCESS_LOG_RULES: AccessLogRules = { format: NAMED_LOG_FORMATS.json!, statuses: [], share: 1 };
