import { isJsonObject } from '../../../own-property.ts';
import { type JsonObject, objectIn, objectsIn } from '../fields.ts';

/** What the checks of a Pod's parts know about the Pod around them. */
export interface PodContext {
  /** Metadata of a Pod; absent for the template of a workload, of which less is demanded. */
  readonly metadata: JsonObject | undefined;
  readonly spec: JsonObject;
  /** Volumes without mistakes, by name. */
  readonly volumes: ReadonlyMap<string, JsonObject>;
  /** Names of `spec.resourceClaims`. */
  readonly claims: ReadonlySet<string>;
}

/** A container, where it stands and what kind it is. */
export interface PlacedContainer {
  readonly container: JsonObject;
  /** `spec.initContainers[0]`. */
  readonly field: string;
}

/** Init, main and ephemeral containers in the order in which a server visits them. */
export function placedContainers(spec: JsonObject, field: string): PlacedContainer[] {
  return ['initContainers', 'containers', 'ephemeralContainers'].flatMap((list) =>
    objectsIn(spec, list).map((container, index) => ({ container, field: `${field}.${list}[${index}]` })),
  );
}

/** An object field; undefined when there is none. */
export function givenObject(holder: JsonObject, name: string): JsonObject | undefined {
  const value = holder[name];
  return isJsonObject(value) ? value : undefined;
}

/** The security context of a Pod spec or container. */
export function securityContextOf(holder: JsonObject): JsonObject {
  return objectIn(holder, 'securityContext');
}
