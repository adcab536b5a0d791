import { compareQuantities } from '../../quantity.ts';
import { type JsonObject, objectIn, objectsIn } from './fields.ts';

/**
 * Quality of service of a Pod: `Guaranteed` when every container has equal CPU and
 * memory requests and limits, `BestEffort` when none asks for anything, else `Burstable`.
 */
export function qosClassOf(spec: JsonObject): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  let asks = false;
  let guaranteed = true;
  for (const container of [...objectsIn(spec, 'initContainers'), ...objectsIn(spec, 'containers')]) {
    const resources = objectIn(container, 'resources');
    const requests = objectIn(resources, 'requests') ?? {};
    const limits = objectIn(resources, 'limits') ?? {};
    for (const name of ['cpu', 'memory']) {
      const request = String(requests[name] ?? '0');
      const limit = String(limits[name] ?? '0');
      const hasLimit = compareQuantities(limit, '0') > 0;
      if (hasLimit || compareQuantities(request, '0') > 0) asks = true;
      if (!hasLimit || (requests[name] !== undefined && compareQuantities(request, limit) !== 0)) guaranteed = false;
    }
  }
  return !asks ? 'BestEffort' : guaranteed ? 'Guaranteed' : 'Burstable';
}
