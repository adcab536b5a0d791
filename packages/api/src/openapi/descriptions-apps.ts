import type { TypeDescriptions } from './descriptions.ts';

/** Descriptions of the apps group, in our own words. */
export const appsDescriptions: TypeDescriptions = {
  'apps.v1.Deployment': {
    '': 'Keeps a number of equal Pods running and replaces them gradually when the template changes.',
  },
  'apps.v1.DeploymentSpec': {
    '': 'What a Deployment keeps running.',
    minReadySeconds: 'Seconds a new Pod must be ready before it counts as available.',
    paused: 'Whether changes of the template are held back.',
    progressDeadlineSeconds: 'Seconds without progress after which a rollout is reported as failed.',
    replicas: 'How many Pods are wanted. Default 1.',
    revisionHistoryLimit: 'How many old ReplicaSets are kept for going back.',
    selector: "Which Pods are meant; must match the template's labels. Cannot be changed.",
    strategy: 'How Pods are replaced.',
    template: 'The Pod to run.',
  },
  'apps.v1.ReplicaSet': { '': 'Keeps a number of equal Pods running.' },
  'apps.v1.ReplicaSetSpec': {
    '': 'What a ReplicaSet keeps running.',
    minReadySeconds: 'Seconds a new Pod must be ready before it counts as available.',
    replicas: 'How many Pods are wanted. Default 1.',
    selector: "Which Pods are meant; must match the template's labels. Cannot be changed.",
    template: 'The Pod to run.',
  },
  'coordination.v1.Lease': { '': 'A claim that its holder must renew, used to elect leaders and as a heartbeat.' },
};
