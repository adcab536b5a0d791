import type { RestContext } from '../rest/rest-context.ts';
import { forbidden } from '../server/status-error.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { storeKey } from '../watch/object-cache.ts';
import type { ServedResource } from './served-resources.ts';

const systemPriorities: ReadonlySet<string> = new Set(['system-cluster-critical', 'system-node-critical']);

/**
 * What the admission plugin Priority does: a new Pod gets the number of its PriorityClass, or of the default one;
 * there is one default at most. Changes `object`. @throws StatusError 403
 */
export function admitPriority(context: RestContext, resource: ServedResource, object: KubeObject): void {
  if (resource.kind === 'Pod' && resource.group === '') admitPod(context, resource, object);
  else if (resource.kind === 'PriorityClass' && resource.group === 'scheduling.k8s.io') {
    checkDefault(context, resource, object);
  }
}

/** The priorities of the system stay. @throws StatusError 403 */
export function checkPriorityDeletion(resource: ServedResource, name: string): void {
  if (resource.group === 'scheduling.k8s.io' && resource.kind === 'PriorityClass' && systemPriorities.has(name)) {
    throw forbidden(resource, name, 'this is a system priority class and cannot be deleted');
  }
}

function admitPod(context: RestContext, resource: ServedResource, pod: KubeObject): void {
  const spec = { ...recordOf(pod.spec) };
  const name = typeof spec.priorityClassName === 'string' ? spec.priorityClassName : '';
  const podName = pod.metadata.name ?? '';
  let found: KubeObject | undefined;
  if (name === '') {
    found = classes(context).find((one) => one.globalDefault === true);
    if (found !== undefined) spec.priorityClassName = found.metadata.name;
  } else {
    found = classOf(context, name);
    if (found === undefined) throw forbidden(resource, podName, `no PriorityClass with name ${name} was found`);
  }
  const value = Number(found?.value ?? 0);
  if (spec.priority !== undefined && spec.priority !== value) {
    const why = `the integer value of priority (${String(spec.priority)}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`;
    throw forbidden(resource, podName, why);
  }
  spec.priority = value;
  const policy = found?.preemptionPolicy ?? 'PreemptLowerPriority';
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy) {
    const why = `the string value of PreemptionPolicy (${String(spec.preemptionPolicy)}) must not be provided in pod spec; priority admission controller computed ${String(policy)} from the given PriorityClass name`;
    throw forbidden(resource, podName, why);
  }
  spec.preemptionPolicy = policy;
  pod.spec = spec;
}

function checkDefault(context: RestContext, resource: ServedResource, object: KubeObject): void {
  if (object.globalDefault !== true) return;
  const present = classes(context).find((one) => one.globalDefault === true);
  if (present === undefined || present.metadata.name === object.metadata.name) return;
  const why = `PriorityClass ${present.metadata.name} is already marked as default. Only one default can exist`;
  throw forbidden(resource, object.metadata.name ?? '', why);
}

function classes(context: RestContext): KubeObject[] {
  const { prefix } = context.served.find('scheduling.k8s.io', 'v1', 'priorityclasses')!;
  return context.cache
    .resource(prefix)
    .list('')
    .map(({ object }) => object);
}

function classOf(context: RestContext, name: string): KubeObject | undefined {
  const { prefix } = context.served.find('scheduling.k8s.io', 'v1', 'priorityclasses')!;
  return context.cache.resource(prefix).get(storeKey(prefix, '', name))?.object;
}
