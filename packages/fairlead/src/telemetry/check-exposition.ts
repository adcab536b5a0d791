const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"`;
const SAMPLE = new RegExp(
  `^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)?\\})? (\\+Inf|-Inf|NaN|-?[0-9.]+(?:e[+-]?[0-9]+)?)$`,
);
const COMMENT = new RegExp(`^# (HELP|TYPE) (${NAME}) (.+)$`);
const SUFFIXES = { counter: [''], gauge: [''], histogram: ['_bucket', '_sum', '_count'] } as const;

interface Histogram {
  inBuckets: number;
  bound: number;
  count: number | undefined;
}

/**
 * What is wrong with the text of a scrape in Prometheus' format 0.0.4, as `promtool check metrics` sees it: syntax, order
 * of comments and samples, series given twice, histograms that do not add up, names against the conventions.
 */
export function checkExposition(text: string): string[] {
  const checker = new ExpositionChecker();
  if (!text.endsWith('\n')) checker.problems.push('the last line has no end');
  for (const [index, line] of text.replace(/\n$/, '').split('\n').entries()) checker.line(line, index + 1);
  checker.end();
  return checker.problems;
}

class ExpositionChecker {
  readonly problems: string[] = [];
  readonly #families = new Set<string>();
  readonly #series = new Set<string>();
  readonly #histograms = new Map<string, Histogram>();
  /** The one whose lines are read. */
  #family = '';
  #hasHelp = false;
  #type: keyof typeof SUFFIXES | undefined = undefined;
  #where = '';

  line(line: string, number: number): void {
    this.#where = `line ${number}: ${line}`;
    if (line.startsWith('#')) this.#comment(line);
    else this.#sample(line);
  }

  end(): void {
    for (const [key, { count, inBuckets, bound }] of this.#histograms) {
      if (bound !== Infinity) this.problems.push(`${key}: no bucket +Inf`);
      if (count !== inBuckets) this.problems.push(`${key}: ${inBuckets} in buckets, ${count} counted`);
    }
  }

  #problem(what: string): void {
    this.problems.push(`${what}: ${this.#where}`);
  }

  #comment(line: string): void {
    const [, what, name = '', rest = ''] = COMMENT.exec(line) ?? [];
    if (name === '') {
      this.#problem('no comment of the format');
      return;
    }
    if (this.#family !== name) {
      if (this.#families.has(name)) this.#problem('a family in two places');
      this.#families.add(name);
      this.#family = name;
      this.#hasHelp = false;
      this.#type = undefined;
    }
    if (what === 'HELP') this.#hasHelp = true;
    else if (rest === 'counter' || rest === 'gauge' || rest === 'histogram') this.#type = rest;
    else this.#problem('an unknown type');
    if (rest === 'counter' && what === 'TYPE' && !name.endsWith('_total')) this.#problem('a counter without _total');
  }

  #sample(line: string): void {
    const [, name = '', labels = '', number = ''] = SAMPLE.exec(line) ?? [];
    if (name === '') {
      this.#problem('no sample');
      return;
    }
    const type = this.#type;
    if (type === undefined || !this.#hasHelp) {
      this.#problem('a sample before its HELP and TYPE');
      return;
    }
    const suffix = name.slice(this.#family.length);
    const isOwn = name.startsWith(this.#family) && (SUFFIXES[type] as readonly string[]).includes(suffix);
    if (!isOwn) this.#problem('a sample of another family');
    const key = `${name}{${labels}}`;
    if (this.#series.has(key)) this.#problem('a series given twice');
    this.#series.add(key);
    const value = Number(number.replace('Inf', 'Infinity'));
    if (type === 'counter' && value < 0) this.#problem('a counter below zero');
    if (type === 'histogram') this.#histogramSample(suffix, labels, value);
  }

  #histogramSample(suffix: string, labels: string, value: number): void {
    const bound = /(?:^|,)le="([^"]*)"/.exec(labels)?.[1];
    const key = `${this.#family}{${labels.replace(/(?:^|,)le="[^"]*"/, '')}}`;
    const known: Histogram = this.#histograms.get(key) ?? { inBuckets: 0, bound: -Infinity, count: undefined };
    this.#histograms.set(key, known);
    if (suffix === '_count') known.count = value;
    if (suffix !== '_bucket') return;
    const at = Number((bound ?? 'none').replace('Inf', 'Infinity'));
    if (!(at > known.bound)) this.#problem('buckets must ascend');
    if (value < known.inBuckets) this.#problem('a bucket with less than the one before');
    known.bound = at;
    known.inBuckets = value;
  }
}
