import type { ControllerRevision, PodTemplateSpec } from '@fairlead/api';
import { deepEqual } from '@fairlead/client';
import { dumpTemplate, goJson, writtenTemplate } from './go-text.ts';

/** The label that tells the ReplicaSets of a Deployment apart. */
export const hashLabel = 'pod-template-hash';

// Kubernetes' own set: no vowels and nothing that reads like one, so that no words arise.
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
const fnvOffset = 0x811c9dc5;
const fnvPrime = 0x01000193;

/** Kubernetes' way to write the number of a hash without words. */
function safeText(hash: number): string {
  return [...String(hash)].map((digit) => alphabet[digit.charCodeAt(0) % alphabet.length]).join('');
}

/**
 * The hash of a template for names and labels: the same as kube-controller-manager's, so that what a cluster has keeps its names.
 * FNV-1a, 32 bits, of the template as go-spew prints it; two templates may collide, then `collisionCount` makes another.
 */
export function templateHash(template: PodTemplateSpec, collisionCount: number | undefined): string {
  const count = Buffer.alloc(collisionCount === undefined ? 0 : 8);
  if (collisionCount !== undefined) count.writeUInt32LE(collisionCount);
  let hash = fnvOffset;
  for (const byte of Buffer.concat([Buffer.from(dumpTemplate(template)), count])) {
    hash = Math.imul(hash ^ byte, fnvPrime) >>> 0;
  }
  return safeText(hash);
}

/** What a revision keeps: a patch that puts the template back, as `kubectl rollout undo` applies it. */
export function revisionData(template: PodTemplateSpec): NonNullable<ControllerRevision['data']> {
  return { spec: { template: { ...writtenTemplate(template), $patch: 'replace' } } };
}

/** The hash of what a StatefulSet's revision keeps, in its name: FNV-1, 32 bits, of its JSON and the count in digits. */
export function revisionHash(data: unknown, collisionCount: number): string {
  let hash = fnvOffset;
  for (const byte of Buffer.from(goJson(data) + String(collisionCount))) {
    hash = (Math.imul(hash, fnvPrime) ^ byte) >>> 0;
  }
  return safeText(hash);
}

/** Whether two templates make the same Pods: equal but for the hash label. */
export function sameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  return deepEqual(withoutHash(a), withoutHash(b));
}

function withoutHash(template: PodTemplateSpec | undefined): unknown {
  const { [hashLabel]: _, ...labels } = template?.metadata?.labels ?? {};
  const { creationTimestamp: __, ...metadata } = template?.metadata ?? {};
  return { ...template, metadata: { ...metadata, labels } };
}
