import { type FieldCause, invalid } from '../field-cause.ts';
import { checkNonNegative, type JsonObject, numberIn, objectIn } from './fields.ts';

/** What is checked of a status of counts. */
interface StatusCounts {
  /** Counts in the order they are checked. */
  readonly counts: readonly string[];
  /** Counts that are not greater than `replicas`, in their order. */
  readonly withinReplicas?: readonly string[];
  /** What the count of ready Pods is called where more are available. */
  readonly readyName?: string;
  readonly collisions?: boolean;
}

const ofReplicas: StatusCounts = {
  counts: [
    'replicas',
    'fullyLabeledReplicas',
    'readyReplicas',
    'availableReplicas',
    'observedGeneration',
    'terminatingReplicas',
  ],
  withinReplicas: ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'],
  readyName: 'readyReplicas',
};

/** What the status of a kind counts; kinds that are not here have no counts to check. */
export const statusCounts: Readonly<Record<string, StatusCounts>> = {
  '/v1/ReplicationController': ofReplicas,
  'apps/v1/ReplicaSet': ofReplicas,
  'apps/v1/Deployment': {
    counts: [
      ...['observedGeneration', 'replicas', 'updatedReplicas', 'readyReplicas', 'availableReplicas'],
      ...['unavailableReplicas', 'terminatingReplicas', 'collisionCount'],
    ],
    withinReplicas: ['updatedReplicas', 'readyReplicas', 'availableReplicas'],
    readyName: 'readyReplicas',
    collisions: true,
  },
  'apps/v1/StatefulSet': {
    counts: [
      ...['replicas', 'readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'],
      ...['observedGeneration', 'collisionCount'],
    ],
    withinReplicas: ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'],
    readyName: 'status.readyReplicas',
    collisions: true,
  },
  'apps/v1/DaemonSet': {
    counts: [
      ...[
        'currentNumberScheduled',
        'numberMisscheduled',
        'desiredNumberScheduled',
        'numberReady',
        'observedGeneration',
      ],
      ...['updatedNumberScheduled', 'numberAvailable', 'numberUnavailable', 'collisionCount'],
    ],
    collisions: true,
  },
  'autoscaling/v1/HorizontalPodAutoscaler': { counts: ['currentReplicas', 'desiredReplicas'] },
  'autoscaling/v2/HorizontalPodAutoscaler': { counts: ['currentReplicas', 'desiredReplicas'] },
  'batch/v1/CronJob': { counts: [] },
  'policy/v1/PodDisruptionBudget': {
    counts: ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'],
  },
};

/** Checks a status that is written by itself: nothing else of the object is looked at. */
export function validateStatusCounts(rules: StatusCounts, object: JsonObject, old: JsonObject): FieldCause[] {
  const status = objectIn(object, 'status');
  const causes = rules.counts.flatMap((name) => checkNonNegative(status[name], `status.${name}`));
  const replicas = numberIn(status, 'replicas') ?? 0;
  for (const name of rules.withinReplicas ?? []) {
    const count = numberIn(status, name) ?? 0;
    if (count > replicas) causes.push(invalid(`status.${name}`, count, 'cannot be greater than status.replicas'));
  }
  const available = numberIn(status, 'availableReplicas') ?? 0;
  if (rules.readyName !== undefined && available > (numberIn(status, 'readyReplicas') ?? 0)) {
    causes.push(invalid('status.availableReplicas', available, `cannot be greater than ${rules.readyName}`));
  }
  if (rules.collisions === true) {
    const [now, before] = [numberIn(status, 'collisionCount'), numberIn(objectIn(old, 'status'), 'collisionCount')];
    if (before !== undefined && (now ?? 0) < before) {
      causes.push(invalid('status.collisionCount', now ?? 0, 'cannot be decremented'));
    }
  }
  return causes;
}
