import { humanDuration } from '../duration.ts';
import type {
  APIService,
  CertificateSigningRequest,
  ComponentStatus,
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  FlowSchema,
  PriorityLevelConfiguration,
  ResourceResourceClaim,
  ResourceSlice,
  RuntimeClass,
  VolumeAttachment,
  VolumeAttributesClass,
} from '../types.ts';
import { ageOf, NONE, nameOf } from './cells.ts';

const UNSET = '<unset>';

/** NAME SERVICE AVAILABLE AGE */
export function apiServiceCells(object: object, nowMs: number): unknown[] {
  const apiService = object as Partial<APIService>;
  const service = apiService.spec?.service;
  const available = apiService.status?.conditions?.find(({ type }) => type === 'Available');
  const why = available?.status === 'True' ? '' : ` (${available?.reason ?? ''})`;
  return [
    nameOf(apiService),
    service === undefined ? 'Local' : `${service.namespace ?? ''}/${service.name ?? ''}`,
    available === undefined ? 'Unknown' : `${available.status}${why}`,
    ageOf(apiService, nowMs),
  ];
}

/** NAME AGE SIGNERNAME REQUESTOR REQUESTEDDURATION CONDITION */
export function certificateSigningRequestCells(object: object, nowMs: number): unknown[] {
  const request = object as Partial<CertificateSigningRequest>;
  const { spec, status } = request;
  const has = (type: string): boolean => status?.conditions?.some((condition) => condition.type === type) === true;
  const decision = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending';
  const issued = (status?.certificate ?? '') === '' ? '' : ',Issued';
  return [
    nameOf(request),
    ageOf(request, nowMs),
    spec?.signerName || NONE,
    spec?.username ?? '',
    spec?.expirationSeconds === undefined ? NONE : humanDuration(spec.expirationSeconds * 1000),
    `${decision}${has('Failed') ? ',Failed' : ''}${issued}`,
  ];
}

/** NAME STATUS MESSAGE ERROR */
export function componentStatusCells(object: object): unknown[] {
  const component = object as Partial<ComponentStatus>;
  const healthy = component.conditions?.find(({ type }) => type === 'Healthy');
  const status = healthy === undefined ? 'Unknown' : healthy.status === 'True' ? 'Healthy' : 'Unhealthy';
  return [nameOf(component), status, healthy?.message ?? '', healthy?.error ?? ''];
}

/** NAME PRIORITYLEVEL MATCHINGPRECEDENCE DISTINGUISHERMETHOD AGE MISSINGPL */
export function flowSchemaCells(object: object, nowMs: number): unknown[] {
  const schema = object as Partial<FlowSchema>;
  const { spec, status } = schema;
  return [
    nameOf(schema),
    spec?.priorityLevelConfiguration.name ?? '',
    spec?.matchingPrecedence ?? 0,
    spec?.distinguisherMethod?.type ?? NONE,
    ageOf(schema, nowMs),
    status?.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?',
  ];
}

/** NAME TYPE NOMINALCONCURRENCYSHARES QUEUES HANDSIZE QUEUELENGTHLIMIT AGE */
export function priorityLevelCells(object: object, nowMs: number): unknown[] {
  const level = object as Partial<PriorityLevelConfiguration>;
  const limited = level.spec?.limited;
  const queuing = limited?.limitResponse?.queuing;
  return [
    nameOf(level),
    level.spec?.type ?? '',
    limited === undefined ? NONE : (limited.nominalConcurrencyShares ?? 0),
    queuing?.queues ?? NONE,
    queuing?.handSize ?? NONE,
    queuing?.queueLengthLimit ?? NONE,
    ageOf(level, nowMs),
  ];
}

/** NAME HANDLER AGE */
export function runtimeClassCells(object: object, nowMs: number): unknown[] {
  const runtimeClass = object as Partial<RuntimeClass>;
  return [nameOf(runtimeClass), runtimeClass.handler ?? '', ageOf(runtimeClass, nowMs)];
}

/** NAME ATTACHREQUIRED PODINFOONMOUNT STORAGECAPACITY TOKENREQUESTS REQUIRESREPUBLISH MODES AGE */
export function csiDriverCells(object: object, nowMs: number): unknown[] {
  const driver = object as Partial<CSIDriver>;
  const { spec } = driver;
  return [
    nameOf(driver),
    spec?.attachRequired ?? true,
    spec?.podInfoOnMount ?? false,
    spec?.storageCapacity ?? false,
    spec?.tokenRequests?.map(({ audience }) => audience).join(',') ?? UNSET,
    spec?.requiresRepublish ?? false,
    spec?.volumeLifecycleModes?.join(',') || NONE,
    ageOf(driver, nowMs),
  ];
}

/** NAME DRIVERS AGE */
export function csiNodeCells(object: object, nowMs: number): unknown[] {
  const node = object as Partial<CSINode>;
  return [nameOf(node), node.spec?.drivers?.length ?? 0, ageOf(node, nowMs)];
}

/** NAME STORAGECLASSNAME CAPACITY */
export function csiStorageCapacityCells(object: object): unknown[] {
  const room = object as Partial<CSIStorageCapacity>;
  return [nameOf(room), room.storageClassName ?? '', room.capacity === undefined ? UNSET : String(room.capacity)];
}

/** NAME ATTACHER PV NODE ATTACHED AGE */
export function volumeAttachmentCells(object: object, nowMs: number): unknown[] {
  const attachment = object as Partial<VolumeAttachment>;
  const { spec, status } = attachment;
  return [
    nameOf(attachment),
    spec?.attacher ?? '',
    spec?.source.persistentVolumeName ?? '',
    spec?.nodeName ?? '',
    status?.attached ?? false,
    ageOf(attachment, nowMs),
  ];
}

/** NAME DRIVERNAME AGE */
export function volumeAttributesClassCells(object: object, nowMs: number): unknown[] {
  const attributes = object as Partial<VolumeAttributesClass>;
  return [nameOf(attributes), attributes.driverName ?? '', ageOf(attributes, nowMs)];
}

/** NAME STATE AGE */
export function resourceClaimCells(object: object, nowMs: number): unknown[] {
  const claim = object as Partial<ResourceResourceClaim>;
  const { metadata, status } = claim;
  const deleted = (metadata?.deletionTimestamp ?? '') !== '';
  const states = deleted ? ['deleted'] : [];
  if (status?.allocation !== undefined) {
    states.push('allocated', ...((status.reservedFor ?? []).length > 0 ? ['reserved'] : []));
  } else if (!deleted) states.push('pending');
  return [nameOf(claim), states.join(','), ageOf(claim, nowMs)];
}

/** NAME NODE DRIVER POOL AGE */
export function resourceSliceCells(object: object, nowMs: number): unknown[] {
  const slice = object as Partial<ResourceSlice>;
  const { spec } = slice;
  return [nameOf(slice), spec?.nodeName ?? '', spec?.driver ?? '', spec?.pool?.name ?? '', ageOf(slice, nowMs)];
}
