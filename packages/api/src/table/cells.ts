import { humanDuration } from '../duration.ts';
import { formatLabelSelector } from '../label-selector.ts';
import type { Container, LabelSelector, LoadBalancerStatus, ObjectMeta } from '../types.ts';

/** What a cell shows where there is nothing. */
export const NONE = '<none>';
/** What a cell shows where something should be and is not known. */
export const UNKNOWN = '<unknown>';

/** Time since a timestamp text, `<unknown>` without one. */
export function sinceText(timestamp: string | null | undefined, nowMs: number): string {
  if (timestamp === undefined || timestamp === null || timestamp === '') return UNKNOWN;
  return humanDuration(nowMs - Date.parse(timestamp));
}

/** The Age cell. */
export function ageOf(object: { readonly metadata?: ObjectMeta | undefined }, nowMs: number): string {
  return sinceText(object.metadata?.creationTimestamp, nowMs);
}

/** The Name cell. */
export function nameOf(object: { readonly metadata?: ObjectMeta | undefined }): string {
  return object.metadata?.name ?? '';
}

/** Labels as `a=b,c=d`, sorted by key. */
export function labelsText(labels: Readonly<Record<string, string>> | undefined): string {
  const entries = Object.entries(labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? NONE : entries.map(([key, value]) => `${key}=${value}`).join(',');
}

/** A selector in its text form. */
export function selectorText(selector: LabelSelector | undefined): string {
  const text = selector === undefined ? '' : formatLabelSelector(selector);
  return text === '' ? NONE : text;
}

/** Names and images of containers, each joined by commas. */
export function containerCells(containers: readonly Container[] | undefined): [string, string] {
  const list = containers ?? [];
  return [list.map((container) => container.name).join(','), list.map((container) => container.image ?? '').join(',')];
}

/** The first three of a list, and how many more there are. */
export function firstThree(list: readonly string[], total: number = list.length): string {
  const text = list.slice(0, 3).join(',');
  return total > 3 ? `${text} + ${total - 3} more...` : text;
}

/** Addresses of a load balancer: IPs or else host names, without repeats. */
export function loadBalancerText(status: LoadBalancerStatus | undefined): string {
  const shown = (status?.ingress ?? []).map((ingress) => (ingress.ip ? ingress.ip : (ingress.hostname ?? '')));
  return [...new Set(shown.filter((text) => text !== ''))].sort().join(',');
}
