import { dns1123LabelErrors } from '@fairlead/api';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { type Json, listOf, objectOf, textOf } from './json-fields.ts';
import { claimWarnings, podWarnings } from './pod-warnings.ts';

/** Where kinds have the template of their Pods. */
const templatePaths: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  ReplicationController: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
  PodTemplate: ['template'],
};
const namesPods = new Set(['Deployment', 'ReplicaSet', 'ReplicationController', 'Job', 'CronJob']);
/** Numbers beyond which Kubernetes promises less of an indexed Job. */
const manyCompletions = 100_000;
const muchParallelism = 10_000;

/** Whether the kind makes Pods from a template. */
export function hasTemplate(kind: string): boolean {
  return templatePaths[kind] !== undefined;
}

/** The spec of a Pod, or of the template of a workload; undefined for other kinds. */
export function podSpecIn(kind: string, object: Json): Json | undefined {
  if (kind === 'Pod') return recordOf(object.spec);
  const path = templatePaths[kind];
  return path === undefined ? undefined : recordOf(descend(object, path).spec);
}

/** Puts another Pod spec where `podSpecIn` found one. Changes `object`, not its parts. */
export function replacePodSpec(kind: string, object: Record<string, unknown>, spec: Json): void {
  const path = [...(kind === 'Pod' ? [] : (templatePaths[kind] ?? [])), 'spec'];
  let holder = object;
  for (const name of path.slice(0, -1)) {
    const part = { ...objectOf(holder, name) };
    holder[name] = part;
    holder = part;
  }
  holder.spec = spec;
}

function descend(object: Json, path: readonly string[]): Json {
  return path.reduce<Json>((holder, name) => objectOf(holder, name), object);
}

/** What a server remarks about a Pod or workload; about a changed one only when its specification changed. */
export function workloadWarnings(kind: string, object: KubeObject, old: KubeObject | undefined): string[] {
  if (kind === 'Pod') return old === undefined ? [...nameWarnings(object, podName), ...podWarnings(object, '')] : [];
  const path = templatePaths[kind];
  if (path === undefined) return [];
  const warnings: string[] = [];
  if (old === undefined || old.metadata.generation !== object.metadata.generation) {
    if (old === undefined && namesPods.has(kind)) warnings.push(...nameWarnings(object, workloadName));
    if (kind === 'Job' || kind === 'CronJob') warnings.push(...jobWarnings(object, path.slice(0, -1)));
    // The generation of a DaemonSet's template is no field that a client changes.
    if (old === undefined || kind !== 'DaemonSet') {
      warnings.push(...podWarnings(descend(object, path), path.join('.')));
    }
  }
  const spec = objectOf(object, 'spec');
  if (kind === 'StatefulSet') warnings.push(...statefulSetWarnings(spec, old !== undefined));
  if (kind === 'CronJob' && old !== undefined && textOf(spec, 'schedule').includes('TZ')) {
    warnings.push(
      'cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details',
    );
  }
  return warnings;
}

const podName = "this is used in the Pod's hostname";
const workloadName = 'this is used in Pod names and hostnames';

function nameWarnings(object: KubeObject, use: string): string[] {
  const errors = dns1123LabelErrors(object.metadata.name ?? '');
  if (errors.length === 0) return [];
  const advice = `which can result in surprising behavior; a DNS label is recommended: [${errors.join(' ')}]`;
  return [`metadata.name: ${use}, ${advice}`];
}

function jobWarnings(object: Json, path: readonly string[]): string[] {
  const spec = descend(object, path);
  const many = Number(spec.completions ?? 0) > manyCompletions && Number(spec.parallelism ?? 0) > muchParallelism;
  if (spec.completionMode !== 'Indexed' || !many) return [];
  return [
    `${path.join('.')}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail`,
  ];
}

function statefulSetWarnings(spec: Json, isUpdate: boolean): string[] {
  const warnings = listOf(spec, 'volumeClaimTemplates').flatMap((claim, index) =>
    claimWarnings(objectOf(claim, 'spec'), `spec.volumeClaimTemplates[${index}]${isUpdate ? '.Spec' : ''}`),
  );
  const limit = spec.revisionHistoryLimit;
  if (typeof limit === 'number' && limit < 0) {
    const advice = 'a negative value retains all historical revisions; a value >= 0 is recommended';
    warnings.push(`spec.revisionHistoryLimit: ${advice}`);
  }
  return warnings;
}
