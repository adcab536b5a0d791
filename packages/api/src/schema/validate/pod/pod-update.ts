import { jsonEqual } from '../../../own-property.ts';
import { qosClassOf } from '../../defaults/qos-class.ts';
import { type FieldCause, forbidden, invalid, required } from '../../field-cause.ts';
import { goDifference } from '../../go-form/go-form.ts';
import { type JsonObject, numberIn, objectIn, objectsIn, textIn } from '../fields.ts';
import { validatePodAnnotations, validatePodAnnotationsUpdate } from './annotations.ts';
import { validateImage } from './containers.ts';
import { goNodeSelectorTerm } from './go-names.ts';
import { validateTolerations } from './scheduling.ts';

const UPDATE_TEXT =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';
const MIRROR = 'kubernetes.io/config.mirror';
const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
const DEADLINE_MAX = 2_147_483_647;

/** Checks what changed of a Pod: images, a shorter deadline, more tolerations, fewer gates; and its node, once. */
export function validatePodUpdate(pod: JsonObject, oldPod: JsonObject): FieldCause[] {
  const spec = objectIn(pod, 'spec');
  const old = objectIn(oldPod, 'spec');
  const causes = annotationCauses(pod, oldPod);
  for (const list of ['containers', 'initContainers']) {
    const containers = objectsIn(spec, list);
    if (containers.length !== objectsIn(old, list).length) {
      return [...causes, forbidden(`spec.${list}`, 'pod updates may not add or remove containers')];
    }
    for (const [index, container] of containers.entries()) {
      const place = `spec.${list}[${index}]`;
      if (textIn(container, 'image') === '') causes.push(required(`${place}.image`));
      causes.push(...validateImage(container, place));
    }
  }
  const deadline = deadlineCauses(spec, old);
  causes.push(...deadline);
  if (deadline.length > 0 && spec.activeDeadlineSeconds !== undefined) return causes;
  causes.push(...tolerationCauses(spec, old), ...gateCauses(spec, old));
  if (jsonEqual(spec, old)) return causes;
  const frozen = frozenPart(spec, old);
  if (objectsIn(old, 'schedulingGates').length > 0) causes.push(...gatedCauses(frozen, old));
  if (!jsonEqual(frozen, old)) {
    const difference = goDifference('PodSpec', old, frozen);
    causes.push(forbidden('spec', `${UPDATE_TEXT}\n${difference}`));
  }
  return causes;
}

function annotationCauses(pod: JsonObject, old: JsonObject): FieldCause[] {
  const metadata = objectIn(pod, 'metadata');
  const field = 'metadata.annotations';
  return [
    ...validatePodAnnotationsUpdate(metadata, objectIn(old, 'metadata'), field),
    ...validatePodAnnotations(metadata, objectIn(pod, 'spec'), field),
  ];
}

function deadlineCauses(spec: JsonObject, old: JsonObject): FieldCause[] {
  const field = 'spec.activeDeadlineSeconds';
  const before = numberIn(old, 'activeDeadlineSeconds');
  const now = numberIn(spec, 'activeDeadlineSeconds');
  if (now === undefined) {
    return before === undefined
      ? []
      : [invalid(field, undefined, 'must not update from a positive integer to nil value')];
  }
  if (now < 0 || now > DEADLINE_MAX) return [invalid(field, now, `must be between 0 and ${DEADLINE_MAX}, inclusive`)];
  if (before === undefined || now <= before) return [];
  return [invalid(field, now, 'must be less than or equal to previous value')];
}

/** Tolerations only come; of those that are there only the seconds change. */
function tolerationCauses(spec: JsonObject, old: JsonObject): FieldCause[] {
  const now = objectsIn(spec, 'tolerations');
  const kept = objectsIn(old, 'tolerations').every((had) => now.some((toleration) => sameToleration(toleration, had)));
  if (kept) return validateTolerations(now, 'spec.tolerations');
  return [forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')];
}

function sameToleration(a: JsonObject, b: JsonObject): boolean {
  return ['key', 'operator', 'value', 'effect'].every((name) => jsonEqual(a[name] ?? '', b[name] ?? ''));
}

function gateCauses(spec: JsonObject, old: JsonObject): FieldCause[] {
  const had = new Set(objectsIn(old, 'schedulingGates').map((gate) => textIn(gate, 'name')));
  return objectsIn(spec, 'schedulingGates').flatMap((gate, index) => {
    const name = textIn(gate, 'name');
    if (had.has(name)) return [];
    const text = `only deletion is allowed, but found new scheduling gate '${name}'`;
    return [forbidden(`spec.schedulingGates[${index}].name`, text)];
  });
}

/** The new spec with what may change as it was. */
function frozenPart(spec: JsonObject, old: JsonObject): Record<string, unknown> {
  const part: Record<string, unknown> = { ...spec };
  for (const name of ['activeDeadlineSeconds', 'tolerations', 'schedulingGates']) restore(part, old, name);
  if ((numberIn(old, 'terminationGracePeriodSeconds') ?? 0) < 0 && part.terminationGracePeriodSeconds === 1) {
    part.terminationGracePeriodSeconds = old.terminationGracePeriodSeconds;
  }
  for (const list of ['containers', 'initContainers']) {
    if (!Array.isArray(part[list])) continue;
    const before = objectsIn(old, list);
    part[list] = objectsIn(spec, list).map((container, index) => ({ ...container, image: before[index]?.image }));
  }
  return part;
}

function restore(part: Record<string, unknown>, old: JsonObject, name: string): void {
  if (old[name] === undefined) delete part[name];
  else part[name] = old[name];
}

/** A Pod that is held back may still be narrowed to fewer nodes (KEP-3838). Changes `part` to what it was. */
function gatedCauses(part: Record<string, unknown>, old: JsonObject): FieldCause[] {
  const causes: FieldCause[] = [];
  const had = objectIn(old, 'nodeSelector');
  const now = objectIn(part, 'nodeSelector');
  if (!Object.entries(had).every(([key, value]) => now[key] === value)) {
    const text = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)';
    causes.push(invalid('spec.nodeSelector', part.nodeSelector, text));
  }
  restore(part, old, 'nodeSelector');
  const oldAffinity = objectIn(old, 'affinity');
  const affinity = objectIn(part, 'affinity');
  if (jsonEqual(affinity.nodeAffinity ?? null, oldAffinity.nodeAffinity ?? null)) return causes;
  causes.push(...nodeTermCauses(objectIn(affinity, 'nodeAffinity'), objectIn(oldAffinity, 'nodeAffinity')));
  const kept: Record<string, unknown> = { ...affinity };
  restore(kept, oldAffinity, 'nodeAffinity');
  if (Object.keys(kept).length === 0 && old.affinity === undefined) delete part.affinity;
  else part.affinity = kept;
  return causes;
}

function nodeTermCauses(affinity: JsonObject, old: JsonObject): FieldCause[] {
  const before = objectsIn(objectIn(old, REQUIRED), 'nodeSelectorTerms');
  const now = objectsIn(objectIn(affinity, REQUIRED), 'nodeSelectorTerms');
  const field = `spec.affinity.nodeAffinity.${REQUIRED}.nodeSelectorTerms`;
  if (before.length > 0 && before.length !== now.length) {
    const shown = now.length === 0 ? undefined : now.map(goNodeSelectorTerm);
    return [invalid(field, shown, 'no additions/deletions to non-empty NodeSelectorTerms list are allowed')];
  }
  return before.flatMap((term, index) => {
    if (onlyAdds(now[index]!, term)) return [];
    const text = 'only additions are allowed (no mutations or deletions)';
    return [invalid(`${field}[${index}]`, goNodeSelectorTerm(now[index]!), text)];
  });
}

function onlyAdds(term: JsonObject, old: JsonObject): boolean {
  const lists = ['matchExpressions', 'matchFields'];
  const empty = lists.every((name) => objectsIn(old, name).length === 0);
  if (empty) return lists.every((name) => objectsIn(term, name).length === 0);
  return lists.every((name) => {
    const had = objectsIn(old, name);
    return jsonEqual(objectsIn(term, name).slice(0, had.length), had);
  });
}

/** Checks a change of ephemeral containers: they come, and stay as they are; `whole` is what the Pod itself lacks. */
export function validateEphemeralContainersUpdate(pod: JsonObject, old: JsonObject, whole: FieldCause[]): FieldCause[] {
  if (objectIn(objectIn(old, 'metadata'), 'annotations')[MIRROR] !== undefined) {
    return [forbidden('', 'static pods do not support ephemeral containers')];
  }
  const causes = [...whole, ...annotationCauses(pod, old)];
  const field = 'spec.ephemeralContainers';
  const now = new Map(
    objectsIn(objectIn(pod, 'spec'), 'ephemeralContainers').map((container) => [textIn(container, 'name'), container]),
  );
  for (const container of objectsIn(objectIn(old, 'spec'), 'ephemeralContainers')) {
    const name = textIn(container, 'name');
    const quotedName = JSON.stringify(name);
    const kept = now.get(name);
    if (kept === undefined) {
      causes.push(forbidden(field, `existing ephemeral containers ${quotedName} may not be removed\n`));
    } else if (!jsonEqual(kept, container)) {
      const difference = goDifference('EphemeralContainer', container, kept);
      causes.push(forbidden(field, `existing ephemeral containers ${quotedName} may not be changed\n${difference}`));
    }
  }
  return causes;
}

/** Checks a change of the resources of a Pod's containers (KEP-1287); `whole` is what the Pod itself lacks. */
export function validatePodResize(pod: JsonObject, old: JsonObject, whole: FieldCause[]): FieldCause[] {
  const spec = objectIn(pod, 'spec');
  const before = objectIn(old, 'spec');
  for (const one of [before, spec]) {
    const { requests, limits } = objectIn(one, 'resources');
    if (Object.keys({ ...(requests as object), ...(limits as object) }).length > 0) {
      return [forbidden('', 'pods with pod-level resources cannot be resized')];
    }
  }
  if (objectIn(objectIn(old, 'metadata'), 'annotations')[MIRROR] !== undefined) {
    return [forbidden('', 'static pods cannot be resized')];
  }
  if (objectIn(before, 'os').name === 'windows') return [forbidden('', 'windows pods cannot be resized')];
  const causes = [...whole];
  const was = textIn(objectIn(old, 'status'), 'qosClass');
  if (was !== '' && was !== qosClassOf(spec)) {
    causes.push(invalid('spec', was, 'Pod QOS Class may not change as a result of resizing'));
  }
  const running = objectsIn(objectIn(old, 'status'), 'containerStatuses').find(
    (status) => objectIn(status, 'state').running !== undefined,
  );
  if (running !== undefined && running.resources === undefined) {
    causes.push(forbidden('spec', 'Pod running on node without support for resize'));
  }
  const order = orderCauses(spec, before);
  if (order.length > 0) return [...causes, ...order];
  return [...causes, ...removedCauses(spec, before), ...otherResourceCauses(spec, before)];
}

function orderCauses(spec: JsonObject, old: JsonObject): FieldCause[] {
  return ['containers', 'initContainers'].flatMap((list) => {
    const before = objectsIn(old, list);
    const now = objectsIn(spec, list);
    if (now.length !== before.length) {
      return [forbidden(`spec.${list}`, `${list} may not be added or removed on resize`)];
    }
    return before.flatMap((container, index) =>
      now[index]!.name === container.name
        ? []
        : [forbidden(`spec.${list}[${index}].name`, `${list} may not be renamed or reordered on resize`)],
    );
  });
}

function removedCauses(spec: JsonObject, old: JsonObject): FieldCause[] {
  return ['initContainers', 'containers'].flatMap((list) =>
    objectsIn(old, list).flatMap((container, index) => {
      if (list === 'initContainers' && container.restartPolicy !== 'Always') return [];
      const now = objectIn(objectsIn(spec, list)[index]!, 'resources');
      return ['requests', 'limits'].flatMap((kind) => {
        const left = objectIn(now, kind);
        const gone = Object.keys(objectIn(objectIn(container, 'resources'), kind)).some((name) => !(name in left));
        const field = `spec.${list}[${index}].resources.${kind}`;
        return gone ? [forbidden(field, `resource ${kind} cannot be removed`)] : [];
      });
    }),
  );
}

function otherResourceCauses(spec: JsonObject, old: JsonObject): FieldCause[] {
  const causes: FieldCause[] = [];
  for (const list of ['containers', 'initContainers']) {
    const before = objectsIn(old, list);
    for (const [index, container] of objectsIn(spec, list).entries()) {
      const had = before[index]!;
      const fixed = list === 'initContainers' && container.restartPolicy !== 'Always';
      if (jsonEqual(fixed ? container : withoutCpuAndMemory(container), fixed ? had : withoutCpuAndMemory(had)))
        continue;
      const text = fixed
        ? 'resources for non-sidecar init containers are immutable'
        : `only cpu and memory resources ${list === 'containers' ? '' : 'for sidecar containers '}are mutable`;
      causes.push(forbidden('spec', text));
    }
  }
  return causes;
}

function withoutCpuAndMemory(container: JsonObject): JsonObject {
  const resources: Record<string, unknown> = {};
  for (const [kind, amounts] of Object.entries(objectIn(container, 'resources'))) {
    const { cpu: _, memory: __, ...others } = amounts as Record<string, unknown>;
    if (Object.keys(others).length > 0) resources[kind] = others;
  }
  return { ...container, resources };
}
