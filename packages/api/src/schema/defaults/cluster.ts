import {
  ensureObject,
  type JsonObject,
  objectIn,
  objectsIn,
  setDefault,
  setDefaultNumber,
  setDefaultText,
} from './fields.ts';

/** Defaults of an APIService: the port of its Service. */
export function applyApiServiceDefaults(apiService: JsonObject): void {
  const service = objectIn(objectIn(apiService, 'spec'), 'service');
  if (service !== undefined) setDefault(service, 'port', 443);
}

/** Defaults of a FlowSchema. */
export function applyFlowSchemaDefaults(schema: JsonObject): void {
  setDefaultNumber(ensureObject(schema, 'spec'), 'matchingPrecedence', 1000);
}

/** Defaults of a PriorityLevelConfiguration. */
export function applyPriorityLevelDefaults(level: JsonObject): void {
  const spec = objectIn(level, 'spec');
  const exempt = objectIn(spec, 'exempt');
  if (exempt !== undefined) {
    setDefault(exempt, 'nominalConcurrencyShares', 0);
    setDefault(exempt, 'lendablePercent', 0);
  }
  const limited = objectIn(spec, 'limited');
  if (limited === undefined) return;
  setDefault(limited, 'nominalConcurrencyShares', 30);
  setDefault(limited, 'lendablePercent', 0);
  const queuing = objectIn(objectIn(limited, 'limitResponse'), 'queuing');
  if (queuing === undefined) return;
  setDefaultNumber(queuing, 'handSize', 8);
  setDefaultNumber(queuing, 'queues', 64);
  setDefaultNumber(queuing, 'queueLengthLimit', 50);
}

/** Defaults of a CSIDriver. */
export function applyCsiDriverDefaults(driver: JsonObject): void {
  const spec = ensureObject(driver, 'spec');
  setDefault(spec, 'attachRequired', true);
  setDefault(spec, 'podInfoOnMount', false);
  setDefault(spec, 'storageCapacity', false);
  setDefault(spec, 'fsGroupPolicy', 'ReadWriteOnceWithFSType');
  if (!Array.isArray(spec.volumeLifecycleModes) || spec.volumeLifecycleModes.length === 0) {
    spec.volumeLifecycleModes = ['Persistent'];
  }
  setDefault(spec, 'requiresRepublish', false);
  setDefault(spec, 'seLinuxMount', false);
}

/** Defaults of a ResourceClaim. */
export function applyResourceClaimDefaults(claim: JsonObject): void {
  applyClaimSpecDefaults(objectIn(claim, 'spec'));
}

/** Defaults of a ResourceClaimTemplate. */
export function applyResourceClaimTemplateDefaults(template: JsonObject): void {
  applyClaimSpecDefaults(objectIn(objectIn(template, 'spec'), 'spec'));
}

function applyClaimSpecDefaults(spec: JsonObject | undefined): void {
  for (const request of objectsIn(objectIn(spec, 'devices'), 'requests')) {
    const exactly = objectIn(request, 'exactly');
    for (const wish of [...(exactly === undefined ? [] : [exactly]), ...objectsIn(request, 'firstAvailable')]) {
      setDefaultText(wish, 'allocationMode', 'ExactCount');
      if (wish.allocationMode === 'ExactCount') setDefaultNumber(wish, 'count', 1);
      for (const toleration of objectsIn(wish, 'tolerations')) setDefaultText(toleration, 'operator', 'Equal');
    }
  }
}
