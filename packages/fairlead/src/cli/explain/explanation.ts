/** Where in the path of a connection something was decided. */
export type Layer =
  | 'from'
  | 'name'
  | 'gateway'
  | 'route'
  | 'announced'
  | 'service'
  | 'policy'
  | 'endpoint'
  | 'unused'
  | 'result';

/** One decision, in the order in which it is taken. */
export interface Step {
  readonly layer: Layer;
  readonly text: string;
}

/** How the connection ends. */
export type Outcome =
  /** It reaches one of `endpoints`. */
  | 'reaches'
  /** An answer without an endpoint: 404, 503, a redirect. */
  | 'answered'
  | 'refused'
  | 'dropped'
  | 'no-such-name'
  /** No business of the cluster: an ordinary address. */
  | 'outside';

/** How a connection goes, step by step, and where it ends. */
export interface Explanation {
  readonly outcome: Outcome;
  readonly steps: readonly Step[];
  /** `address:port` of all endpoints that may get the connection. */
  readonly endpoints: readonly string[];
}

/** Who asks: decides the search domains, the node whose rules apply, and the source address. */
export type Source =
  | { readonly kind: 'pod'; readonly namespace: string; readonly name: string }
  | { readonly kind: 'node'; readonly name: string }
  | { readonly kind: 'external' };

/** What is asked about. */
export interface Question {
  /** Name or address. */
  readonly host: string;
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP';
  /** Present when the question is a URL. */
  readonly request?: {
    readonly method: string;
    /** Path and query. */
    readonly target: string;
    /** Lower-case names. */
    readonly headers: ReadonlyMap<string, string>;
  };
  /** Absent: the machine itself, as its first node. */
  readonly source?: Source;
}

/** An explanation as lines: the layer in a column of its own, said once per run of steps. */
export function formatExplanation(explanation: Explanation): string[] {
  let last: Layer | undefined;
  return explanation.steps.map(({ layer, text }) => {
    const label = layer === last ? '' : layer;
    last = layer;
    return `${label.padEnd(10)}${text}`;
  });
}
