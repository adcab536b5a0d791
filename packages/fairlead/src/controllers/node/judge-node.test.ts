import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, Taint } from '@fairlead/api';
import { evictionTime, notReadyTaint, unreachableTaint } from './judge-node.ts';
import { freePodRange } from './pod-ranges.ts';

const at = Date.parse('2026-01-01T00:00:00Z');
const taint = (key: string): Taint => ({ key, effect: 'NoExecute', timeAdded: '2026-01-01T00:00:00Z' });
const pod = (key?: string, tolerationSeconds?: number): Pod => ({
  spec: {
    containers: [],
    ...(key === undefined
      ? {}
      : {
          tolerations: [{ key, operator: 'Exists', ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }) }],
        }),
  },
});
const rows: readonly [string, Pod, Taint[], number | undefined][] = [
  ['no taint', pod(), [], undefined],
  ['unreachable, no toleration', pod(), [taint(unreachableTaint)], 60],
  ['the toleration that admission adds', pod(unreachableTaint, 300), [taint(unreachableTaint)], 60],
  ['a toleration of 5 s', pod(unreachableTaint, 5), [taint(unreachableTaint)], 5],
  ['tolerated for ever', pod(notReadyTaint), [taint(notReadyTaint)], undefined],
  ['another taint evicts at once', pod(), [taint('own')], 0],
  ['the earliest counts', pod(unreachableTaint, 5), [taint(notReadyTaint), taint(unreachableTaint)], 5],
];
for (const [name, subject, taints, seconds] of rows) {
  test(`eviction: ${name}`, () => {
    const time = evictionTime(subject, taints, 60_000, at);
    assert.equal(time === undefined ? undefined : (time - at) / 1000, seconds);
  });
}

const ranges: readonly [string, string, number, string[], string][] = [
  ['first', '10.244.0.0/16', 24, [], '10.244.0.0/24'],
  ['a gap', '10.244.0.0/16', 24, ['10.244.0.0/24', '10.244.2.0/24'], '10.244.1.0/24'],
  ['larger ones in use', '10.244.0.0/16', 24, ['10.244.0.0/23'], '10.244.2.0/24'],
  ['full', '10.0.0.0/24', 25, ['10.0.0.0/25', '10.0.0.128/25'], 'no range of /25 is free in 10.0.0.0/24'],
  ['does not fit', '10.0.0.0/24', 16, [], 'ranges of /16 do not fit into 10.0.0.0/24'],
  ['IPv6', 'fd00::/48', 64, ['fd00::/64'], 'fd00:0:0:1::/64'],
];
for (const [name, cluster, mask, used, expected] of ranges) {
  test(`Pod range: ${name}`, () => {
    const result = freePodRange(cluster, mask, used);
    assert.equal(result.ok ? result.range : result.reason, expected);
  });
}
