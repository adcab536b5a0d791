/** Label values of one series, in the order of the metric's label names. */
export type LabelValues = readonly string[];

/** What describes a metric. */
export interface MetricOptions {
  /** `fairlead_…_total`, `…_seconds`, `…_bytes`: Prometheus naming. */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  /** Most series of this metric; more are counted together under {@link OVERFLOW}. Default 1,000. */
  readonly maxSeries?: number;
}

/** A value that only grows. */
export interface Counter {
  add(amount?: number, ...labels: LabelValues): void;
  /** Forgets a series, e.g. of a deleted object. */
  remove(...labels: LabelValues): void;
}

/** A value that is set. */
export interface Gauge {
  set(value: number, ...labels: LabelValues): void;
  add(amount: number, ...labels: LabelValues): void;
  /** Forgets a series, e.g. of a deleted object. */
  remove(...labels: LabelValues): void;
}

/** One observation that says where more of it can be found (OpenMetrics 1.0: 128 characters of labels at most). */
export interface Exemplar {
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly value: number;
  /** Unix ms. */
  readonly atMs: number;
}

/** Counts observations in fixed buckets. */
export interface Histogram {
  observe(value: number, ...labels: LabelValues): void;
  /** Adds observations that were counted elsewhere: per bucket, the last one above all bounds, and their sum. */
  add(counts: readonly number[], sum: number, ...labels: LabelValues): void;
  /** One of each bucket, the last one above all bounds; replaces those before. */
  exemplify(exemplars: readonly (Exemplar | undefined)[], ...labels: LabelValues): void;
  /** Forgets a series, e.g. of a deleted object. */
  remove(...labels: LabelValues): void;
}

/** Label value of all series above a metric's bound: labels from clients must not fill the memory. */
export const OVERFLOW = 'other';

/** Upper bounds in seconds for latencies from 0.1 ms to 10 s. */
const LATENCY_BUCKETS: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** One series as a scrape sees it. */
export type Sample =
  | { readonly type: 'value'; readonly labels: LabelValues; readonly value: number }
  | ({ readonly type: 'histogram'; readonly labels: LabelValues } & HistogramState);

/** What a histogram has counted: per bucket, the last one above all bounds. */
interface HistogramState {
  readonly counts: Float64Array;
  readonly sum: number;
  readonly exemplars: readonly (Exemplar | undefined)[];
}

/** One metric as a scrape sees it. `counts` of a histogram are per bucket, the last one above all bounds. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly buckets: readonly number[];
  samples(): Iterable<Sample>;
}

/** All metrics of a process. A duplicate name is a bug and throws. */
export class MetricRegistry {
  readonly #families = new Map<string, MetricFamily>();
  readonly #collectors: (() => void)[] = [];

  counter(options: MetricOptions): Counter {
    const metric = new ValueMetric('counter', options);
    this.#register(metric);
    return {
      add: (amount = 1, ...labels) => metric.add(amount, labels),
      remove: (...labels) => metric.remove(labels),
    };
  }

  gauge(options: MetricOptions): Gauge {
    const metric = new ValueMetric('gauge', options);
    this.#register(metric);
    return {
      set: (value, ...labels) => metric.set(value, labels),
      add: (amount, ...labels) => metric.add(amount, labels),
      remove: (...labels) => metric.remove(labels),
    };
  }

  histogram(options: MetricOptions & { readonly buckets?: readonly number[] }): Histogram {
    const metric = new HistogramMetric(options, options.buckets ?? LATENCY_BUCKETS);
    this.#register(metric);
    return {
      observe: (value, ...labels) => metric.observe(value, labels),
      add: (counts, sum, ...labels) => metric.add(counts, sum, labels),
      exemplify: (exemplars, ...labels) => metric.exemplify(exemplars, labels),
      remove: (...labels) => metric.remove(labels),
    };
  }

  /** Runs before each scrape: copies values from where they are kept (workers, the kernel) into gauges. */
  onCollect(collector: () => void): void {
    this.#collectors.push(collector);
  }

  /** Sorted by name. */
  collect(): readonly MetricFamily[] {
    for (const collector of this.#collectors) collector();
    return [...this.#families.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #register(family: MetricFamily): void {
    if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(family.name)) throw new RangeError(`metric name ${family.name}`);
    for (const label of family.labels)
      if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label)) throw new RangeError(`label ${label}`);
    if (this.#families.has(family.name)) throw new RangeError(`metric ${family.name} exists already`);
    this.#families.set(family.name, family);
  }
}

/** Series by their label values, bounded. */
class SeriesMap<S> {
  readonly #series = new Map<string, { readonly labels: LabelValues; readonly state: S }>();
  readonly #names: readonly string[];
  readonly #max: number;
  readonly #create: () => S;

  constructor(options: MetricOptions, create: () => S) {
    this.#names = options.labels ?? [];
    this.#max = options.maxSeries ?? 1000;
    this.#create = create;
    if (this.#names.length === 0) this.get([]);
  }

  get(labels: LabelValues): S {
    if (labels.length !== this.#names.length)
      throw new RangeError(`${labels.length} label values for ${this.#names.length} labels`);
    const key = labels.join('\u0000');
    const known = this.#series.get(key);
    if (known !== undefined) return known.state;
    if (this.#series.size >= this.#max && labels.some((label) => label !== OVERFLOW))
      return this.get(labels.map(() => OVERFLOW));
    const state = this.#create();
    this.#series.set(key, { labels: [...labels], state });
    return state;
  }

  delete(labels: LabelValues): void {
    this.#series.delete(labels.join('\u0000'));
  }

  values(): IterableIterator<{ readonly labels: LabelValues; readonly state: S }> {
    return this.#series.values();
  }
}

class ValueMetric implements MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly labels: readonly string[];
  readonly buckets: readonly number[] = [];
  readonly #series: SeriesMap<{ value: number }>;

  constructor(type: 'counter' | 'gauge', options: MetricOptions) {
    this.name = options.name;
    this.help = options.help;
    this.type = type;
    this.labels = options.labels ?? [];
    this.#series = new SeriesMap(options, () => ({ value: 0 }));
  }

  add(amount: number, labels: LabelValues): void {
    if (this.type === 'counter' && !(amount >= 0))
      throw new RangeError(`${this.name}: a counter cannot grow by ${amount}`);
    this.#series.get(labels).value += amount;
  }

  set(value: number, labels: LabelValues): void {
    this.#series.get(labels).value = value;
  }

  remove(labels: LabelValues): void {
    this.#series.delete(labels);
  }

  *samples(): Generator<Sample> {
    for (const { labels, state } of this.#series.values()) yield { type: 'value', labels, value: state.value };
  }
}

class HistogramMetric implements MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type = 'histogram';
  readonly labels: readonly string[];
  readonly buckets: readonly number[];
  readonly #series: SeriesMap<{ -readonly [K in keyof HistogramState]: HistogramState[K] }>;

  constructor(options: MetricOptions, buckets: readonly number[]) {
    if (buckets.some((bound, at) => at > 0 && !(bound > buckets[at - 1]!)))
      throw new RangeError(`${options.name}: buckets must ascend`);
    this.name = options.name;
    this.help = options.help;
    this.labels = options.labels ?? [];
    this.buckets = buckets;
    this.#series = new SeriesMap(options, () => ({
      counts: new Float64Array(buckets.length + 1),
      sum: 0,
      exemplars: [],
    }));
  }

  observe(value: number, labels: LabelValues): void {
    const state = this.#series.get(labels);
    let low = 0;
    let high = this.buckets.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (value <= this.buckets[middle]!) high = middle;
      else low = middle + 1;
    }
    state.counts[low] = state.counts[low]! + 1;
    state.sum += value;
  }

  add(counts: readonly number[], sum: number, labels: LabelValues): void {
    const state = this.#series.get(labels);
    for (let at = 0; at < state.counts.length; at++) state.counts[at] = state.counts[at]! + (counts[at] ?? 0);
    state.sum += sum;
  }

  exemplify(exemplars: readonly (Exemplar | undefined)[], labels: LabelValues): void {
    this.#series.get(labels).exemplars = exemplars;
  }

  remove(labels: LabelValues): void {
    this.#series.delete(labels);
  }

  *samples(): Generator<Sample> {
    for (const { labels, state } of this.#series.values()) {
      yield { type: 'histogram', labels, ...state };
    }
  }
}
