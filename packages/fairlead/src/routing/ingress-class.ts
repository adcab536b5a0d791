import type { Ingress, IngressClass, Stored } from '@fairlead/api';

/** `spec.controller` of the IngressClasses that Fairlead serves. */
export const INGRESS_CONTROLLER = 'fairlead.dev/gateway';

const LEGACY_ANNOTATION = 'kubernetes.io/ingress.class';
const DEFAULT_ANNOTATION = 'ingressclass.kubernetes.io/is-default-class';

/** Decides which Ingresses are ours. Compiled once per change of the IngressClasses. */
export interface ClassSelection {
  /** Names of classes with our controller, and our own class name even without an object (legacy annotation). */
  readonly ours: ReadonlySet<string>;
  readonly annotated: ReadonlySet<string>;
  /** Whether an Ingress that names no class is ours: the default class has our controller. */
  readonly defaultIsOurs: boolean;
}

/**
 * `className` is the class whose legacy annotation value we honour even when no IngressClass object
 * of that name exists. Of several default classes the newest counts, as in current Kubernetes.
 */
export function selectClasses(classes: Iterable<Stored<IngressClass>>, className: string): ClassSelection {
  const ours = new Set<string>();
  let newestDefault: Stored<IngressClass> | undefined;
  let classNameIsForeign = false;
  for (const candidate of classes) {
    if (candidate.spec?.controller === INGRESS_CONTROLLER) ours.add(candidate.metadata.name);
    else if (candidate.metadata.name === className) classNameIsForeign = true;
    if (candidate.metadata.annotations?.[DEFAULT_ANNOTATION] !== 'true') continue;
    if (newestDefault === undefined || isNewer(candidate, newestDefault)) newestDefault = candidate;
  }
  const annotated = classNameIsForeign ? ours : new Set([...ours, className]);
  return { ours, annotated, defaultIsOurs: newestDefault?.spec?.controller === INGRESS_CONTROLLER };
}

/** `spec.ingressClassName` wins over the deprecated annotation; an Ingress with neither follows the default class. */
export function isOurIngress(ingress: Ingress, selection: ClassSelection): boolean {
  const className = ingress.spec?.ingressClassName;
  if (className !== undefined) return selection.ours.has(className);
  const annotation = ingress.metadata?.annotations?.[LEGACY_ANNOTATION];
  if (annotation !== undefined) return selection.annotated.has(annotation);
  return selection.defaultIsOurs;
}

/** An IngressClass of ours; `isDefault` makes it take Ingresses that name no class. */
export function ownIngressClass(className: string, isDefault = true): IngressClass {
  const annotations = { [DEFAULT_ANNOTATION]: 'true' };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name: className, ...(isDefault ? { annotations } : {}) },
    spec: { controller: INGRESS_CONTROLLER },
  };
}

function isNewer(a: Stored<IngressClass>, b: Stored<IngressClass>): boolean {
  const left = a.metadata.creationTimestamp;
  const right = b.metadata.creationTimestamp;
  return left === right ? a.metadata.name < b.metadata.name : left > right;
}
