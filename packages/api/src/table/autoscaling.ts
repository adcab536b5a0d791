import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus } from '../types.ts';
import { ageOf, NONE, nameOf, UNKNOWN } from './cells.ts';

/** Metrics shown before the rest is only counted. */
const SHOWN_METRICS = 2;

/** NAME REFERENCE TARGETS MINPODS MAXPODS REPLICAS AGE */
export function horizontalPodAutoscalerCells(object: object, nowMs: number): unknown[] {
  const autoscaler = object as Partial<HorizontalPodAutoscaler>;
  const { spec, status } = autoscaler;
  const target = spec?.scaleTargetRef;
  return [
    nameOf(autoscaler),
    `${target?.kind ?? ''}/${target?.name ?? ''}`,
    targetsText(spec?.metrics ?? [], status?.currentMetrics ?? []),
    spec?.minReplicas === undefined ? '<unset>' : String(spec.minReplicas),
    spec?.maxReplicas ?? 0,
    status?.currentReplicas ?? 0,
    ageOf(autoscaler, nowMs),
  ];
}

function targetsText(specs: readonly MetricSpec[], statuses: readonly MetricStatus[]): string {
  if (specs.length === 0) return NONE;
  const shown = specs.slice(0, SHOWN_METRICS).map((spec, index) => metricText(spec, statuses[index]));
  const more = specs.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` + ${more} more...` : '');
}

/** `cpu: 30%/80%`, `<unknown>/10`, `5/10 (avg)`. */
function metricText(spec: MetricSpec, status: MetricStatus | undefined): string {
  const wanted = spec.resource ?? spec.containerResource ?? spec.pods ?? spec.object ?? spec.external;
  const found = status?.resource ?? status?.containerResource ?? status?.pods ?? status?.object ?? status?.external;
  if (wanted === undefined) return '<unknown type>';
  const named = spec.resource ?? spec.containerResource;
  const name = named === undefined ? '' : `${named.name}: `;
  const { averageUtilization, averageValue, value } = wanted.target;
  const { current } = found ?? {};
  if (averageUtilization !== undefined && averageUtilization !== null) {
    const now = current?.averageUtilization;
    return `${name}${now === undefined || now === null ? UNKNOWN : `${now}%`}/${averageUtilization}%`;
  }
  if (averageValue !== undefined && averageValue !== null) {
    const average = spec.object === undefined && spec.external === undefined ? '' : ' (avg)';
    return `${name}${current?.averageValue ?? UNKNOWN}/${averageValue}${average}`;
  }
  return `${name}${current?.value ?? UNKNOWN}/${value ?? UNKNOWN}`;
}
