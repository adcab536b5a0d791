import type { Exemplar, LabelValues, MetricFamily, MetricRegistry } from './metrics.ts';

/** `Content-Type` of {@link renderMetrics}, per format. */
export const METRICS_CONTENT_TYPE = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
} as const;

/** One of the forms that a scraper can ask for. */
export type MetricsFormat = keyof typeof METRICS_CONTENT_TYPE;

/**
 * Text of a scrape: Prometheus exposition format 0.0.4, or OpenMetrics 1.0, which differs in that a
 * counter's family name has no `_total`, buckets may have exemplars, and the text ends with `# EOF`.
 */
export function renderMetrics(registry: MetricRegistry, format: MetricsFormat = 'prometheus'): string {
  const lines: string[] = [];
  for (const family of registry.collect()) renderFamily(family, format, lines);
  if (format === 'openmetrics') lines.push('# EOF');
  return `${lines.join('\n')}\n`;
}

/** The format that an `Accept` header asks for. */
export function negotiateMetricsFormat(accept: string | undefined): MetricsFormat {
  return accept?.includes('application/openmetrics-text') === true ? 'openmetrics' : 'prometheus';
}

function renderFamily(family: MetricFamily, format: MetricsFormat, lines: string[]): void {
  const isCounter = family.type === 'counter';
  const base = isCounter ? family.name.replace(/_total$/, '') : family.name;
  const familyName = format === 'openmetrics' ? base : family.name;
  const sampleName = isCounter && format === 'openmetrics' ? `${base}_total` : family.name;
  const help = family.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  lines.push(`# HELP ${familyName} ${format === 'openmetrics' ? help.replaceAll('"', '\\"') : help}`);
  lines.push(`# TYPE ${familyName} ${family.type}`);
  for (const sample of family.samples()) {
    if (sample.type === 'value') {
      lines.push(`${sampleName}${renderLabels(family.labels, sample.labels)} ${renderNumber(sample.value)}`);
      continue;
    }
    let count = 0;
    sample.counts.forEach((inBucket, at) => {
      count += inBucket;
      const bound = renderNumber(family.buckets[at] ?? Infinity);
      const labels = renderLabels([...family.labels, 'le'], [...sample.labels, bound]);
      const exemplar = format === 'openmetrics' ? renderExemplar(sample.exemplars[at]) : '';
      lines.push(`${family.name}_bucket${labels} ${count}${exemplar}`);
    });
    lines.push(`${family.name}_sum${renderLabels(family.labels, sample.labels)} ${renderNumber(sample.sum)}`);
    lines.push(`${family.name}_count${renderLabels(family.labels, sample.labels)} ${count}`);
  }
}

function renderExemplar(exemplar: Exemplar | undefined): string {
  if (exemplar === undefined) return '';
  const labels = renderLabels(
    exemplar.labels.map(([name]) => name),
    exemplar.labels.map(([, value]) => value),
  );
  return ` # ${labels} ${renderNumber(exemplar.value)} ${renderNumber(exemplar.atMs / 1000)}`;
}

function renderLabels(names: readonly string[], values: LabelValues): string {
  if (names.length === 0) return '';
  const escaped = (value: string): string =>
    value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  return `{${names.map((name, at) => `${name}="${escaped(values[at] ?? '')}"`).join(',')}}`;
}

function renderNumber(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}
