import { type KubeObject, recordOf } from '../watch/kube-object.ts';

const stages = {
  pending: {
    reason: 'InstanceDeletionPending',
    message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
  },
  'in-progress': { reason: 'InstanceDeletionInProgress', message: 'CustomResource deletion is in progress' },
} as const;

/** The conditions of a definition that is going, as the original tells of it; `now`: RFC 3339. */
export function withDeletionCondition(definition: KubeObject, now: string, stage: keyof typeof stages): object[] {
  const { conditions } = recordOf(definition.status) ?? {};
  const before = Array.isArray(conditions) ? (conditions as Record<string, unknown>[]) : [];
  const known = before.find(({ type }) => type === 'Terminating');
  const lastTransitionTime = known?.status === 'True' ? known.lastTransitionTime : now;
  const { message, reason } = stages[stage];
  const condition = { lastTransitionTime, message, reason, status: 'True', type: 'Terminating' };
  return known === undefined ? [...before, condition] : before.map((one) => (one === known ? condition : one));
}
