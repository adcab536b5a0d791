// Hot path: every write is tracked.
import { type FieldSet, trackUpdate } from '@fairlead/api/patch/apply/index';
import type { ServedResource } from '../resources/served-resources.ts';
import type { KubeObject } from '../watch/kube-object.ts';
import { fieldManagerOf } from './field-manager.ts';
import { managedTypeOf } from './managed-type-of.ts';
import { versionsOf } from './object-versions.ts';
import { type RestContext, type RestRequest, timestamp } from './rest-context.ts';

const leaf: FieldSet = {};
const nothing: FieldSet = {};
const statusOnly: FieldSet = { 'f:status': leaf };
const specOnly: FieldSet = { 'f:spec': leaf };
const finalizeOnly: FieldSet = { 'f:status': leaf, 'f:metadata': leaf };

/** Metadata that the `status` endpoint of a kind leaves as it is, beside `spec`. */
const metadataOfStatus: Readonly<Record<string, FieldSet>> = {
  Deployment: { ...specOnly, 'f:metadata': { 'f:labels': leaf } },
  Pod: { ...specOnly, 'f:metadata': { 'f:deletionTimestamp': leaf, 'f:ownerReferences': leaf } },
};

/** Fields an endpoint does not change, whatever a client sends: nobody becomes their owner through it. */
export function resetFields(resource: ServedResource, subresource: string): FieldSet {
  switch (subresource) {
    case 'status':
      return metadataOfStatus[resource.kind] ?? specOnly;
    case 'ephemeralcontainers':
    case 'resize':
      return nothing;
    case 'finalize':
      return finalizeOnly;
    default:
      return resource.subresources.has('status') ? statusOnly : nothing;
  }
}

/** `metadata.managedFields` of an object about to be created by POST or PUT. */
export function trackCreate(
  context: RestContext,
  target: RestRequest,
  object: KubeObject,
  subresource = '',
): unknown[] | undefined {
  const given = object.metadata.managedFields;
  return track(context, target, undefined, object, given, subresource);
}

/** `metadata.managedFields` of an object about to be replaced; the very list it has when nothing changes. */
export function trackReplace(
  context: RestContext,
  target: RestRequest,
  before: KubeObject,
  after: KubeObject,
  given: readonly unknown[] | undefined,
  subresource: string,
): unknown[] | undefined {
  return track(context, target, before, after, subresource === '' ? given : undefined, subresource);
}

function track(
  context: RestContext,
  target: RestRequest,
  before: KubeObject | undefined,
  after: KubeObject,
  givenEntries: readonly unknown[] | undefined,
  subresource: string,
): unknown[] | undefined {
  const { request, clientForm } = target;
  const resource = clientForm?.resource ?? target.resource;
  return trackUpdate({
    type: managedTypeOf(resource),
    before: before === undefined ? undefined : (clientForm?.of(before) ?? before),
    after: clientForm?.of(after) ?? after,
    liveEntries: before?.metadata.managedFields,
    givenEntries,
    manager: fieldManagerOf(request),
    subresource,
    apiVersion: resource.apiVersion,
    time: timestamp(context.clock),
    resetFields: resetFields(resource, subresource),
    inVersion: versionsOf(context.served, resource),
  }) as unknown[] | undefined;
}
