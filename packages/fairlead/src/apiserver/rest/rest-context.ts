import type { Clock, Random } from '../../sys/clock.ts';
import type { Admission } from '../admission/admission.ts';
import type { ServiceAllocator } from '../allocation/service-allocator.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import type { ServedResource, ServedResources } from '../resources/served-resources.ts';
import type { ApiRequest } from '../server/api-request.ts';
import type { Storage } from '../storage/storage.ts';
import type { KubeObject } from '../watch/kube-object.ts';
import type { ObjectCache } from '../watch/object-cache.ts';

/** What every verb works on. */
export interface RestContext {
  readonly storage: Storage;
  readonly cache: ObjectCache;
  readonly served: ServedResources;
  readonly allocator: ServiceAllocator;
  readonly authorizer: Authorizer;
  /** Policies and webhooks. */
  readonly admission: Admission;
  /** Pods and Services of this system live on 127.0.0.0/8, so endpoints there are right. */
  readonly loopbackEndpoints: boolean;
  readonly clock: Clock;
  readonly random: Random;
}

/** A form of objects in which they are not stored. */
export interface ClientForm {
  readonly resource: ServedResource;
  /** A stored object in this form. */
  readonly of: (object: KubeObject) => KubeObject;
  /** An object of this form as it is stored. */
  readonly toStored: (object: KubeObject) => KubeObject;
  /** Throws 422 for what is wrong with an object of this form that replaces `current`, if there is one. */
  readonly check: (object: KubeObject, current: KubeObject | undefined) => void;
}

/** One request to one resource, with what its verbs have in common. */
export interface RestRequest {
  readonly request: ApiRequest;
  readonly resource: ServedResource;
  readonly namespace: string;
  /** Warnings for the client, one `Warning` header each. */
  readonly warnings: string[];
  /** The form of the object that the client knows, when it is not the stored one: its fields get the owners. */
  readonly clientForm?: ClientForm;
}

let stampedSecond = Number.NaN;
let stamp = '';

/** RFC 3339 time with whole seconds, as in `metadata.creationTimestamp`. Its text is made once a second. */
export function timestamp(clock: Clock): string {
  const second = Math.floor(clock.now() / 1000);
  if (second !== stampedSecond) {
    stampedSecond = second;
    stamp = `${new Date(second * 1000).toISOString().slice(0, 19)}Z`;
  }
  return stamp;
}
