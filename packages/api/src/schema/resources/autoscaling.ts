import type { ResourceFacts } from '../resource-facts.ts';
import { served } from './served.ts';

/** Served resources of the group `autoscaling`. */
export const autoscalingResources: readonly ResourceFacts[] = [
  served({
    group: 'autoscaling',
    version: 'v1',
    kind: 'HorizontalPodAutoscaler',
    plural: 'horizontalpodautoscalers',
    shortNames: ['hpa'],
    categories: ['all'],
    storageVersionHash: 'qwQve8ut294=',
    subresources: [
      { name: 'status', kind: 'autoscaling/v1/HorizontalPodAutoscaler', verbs: ['get', 'patch', 'update'] },
    ],
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'Reference', type: 'string', format: '', priority: 0 },
      { name: 'Targets', type: 'string', format: '', priority: 0 },
      { name: 'MinPods', type: 'string', format: '', priority: 0 },
      { name: 'MaxPods', type: 'string', format: '', priority: 0 },
      { name: 'Replicas', type: 'string', format: '', priority: 0 },
      { name: 'Age', type: 'string', format: '', priority: 0 },
    ],
  }),
  served({
    group: 'autoscaling',
    version: 'v2',
    kind: 'HorizontalPodAutoscaler',
    plural: 'horizontalpodautoscalers',
    shortNames: ['hpa'],
    categories: ['all'],
    storageVersionHash: 'qwQve8ut294=',
    subresources: [
      { name: 'status', kind: 'autoscaling/v2/HorizontalPodAutoscaler', verbs: ['get', 'patch', 'update'] },
    ],
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'Reference', type: 'string', format: '', priority: 0 },
      { name: 'Targets', type: 'string', format: '', priority: 0 },
      { name: 'MinPods', type: 'string', format: '', priority: 0 },
      { name: 'MaxPods', type: 'string', format: '', priority: 0 },
      { name: 'Replicas', type: 'string', format: '', priority: 0 },
      { name: 'Age', type: 'string', format: '', priority: 0 },
    ],
  }),
];
