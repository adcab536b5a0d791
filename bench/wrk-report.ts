/** What wrk counted in one run. */
export interface WrkReport {
  readonly requests: number;
  /** Answers of another class than 2xx and 3xx. */
  readonly refused: number;
  /** Those, and connections that failed or ended unannounced. */
  readonly failed: number;
  /** The failures by kind, as wrk names them; empty when there are none. */
  readonly kinds: string;
  /** With `--latency`: the 99th percentile with its unit; otherwise `-`. */
  readonly p99: string;
}

/** Reads the text that wrk prints; all is zero where it printed none. */
export function readWrkReport(text: string): WrkReport {
  const refused = Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0);
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text)?.slice(1) ?? [];
  return {
    requests: Number(/(\d+) requests in/.exec(text)?.[1] ?? 0),
    refused,
    failed: errors.reduce((sum, count) => sum + Number(count), refused),
    kinds: (text.match(/Socket errors: .*|Non-2xx.*/g) ?? []).join('; '),
    p99: /^\s+99%\s+(\S+)/m.exec(text)?.[1] ?? '-',
  };
}
