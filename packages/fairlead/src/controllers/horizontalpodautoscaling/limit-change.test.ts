import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HorizontalPodAutoscalerBehavior } from '@fairlead/api';
import { limitChange, recordChange, type ScaleHistory } from './limit-change.ts';

interface Step {
  readonly atSeconds: number;
  /** What the metrics ask for. */
  readonly wish: number;
  readonly becomes: number;
  /** Reasons of AbleToScale and ScalingLimited. */
  readonly because?: string;
}

const up = (rules: HorizontalPodAutoscalerBehavior['scaleUp']): HorizontalPodAutoscalerBehavior => ({ scaleUp: rules });

const rows: readonly [name: string, start: number, HorizontalPodAutoscalerBehavior | undefined, readonly Step[]][] = [
  [
    'growth at most doubles, or goes to four',
    1,
    undefined,
    [
      { atSeconds: 0, wish: 50, becomes: 4, because: 'ReadyForNewScale ScaleUpLimit' },
      { atSeconds: 15, wish: 50, becomes: 8, because: 'ReadyForNewScale ScaleUpLimit' },
      { atSeconds: 30, wish: 50, becomes: 10, because: 'ReadyForNewScale TooManyReplicas' },
    ],
  ],
  [
    'shrinking waits for five quiet minutes',
    8,
    undefined,
    [
      { atSeconds: 0, wish: 8, becomes: 8, because: 'ReadyForNewScale DesiredWithinRange' },
      { atSeconds: 15, wish: 1, becomes: 8, because: 'ScaleDownStabilized DesiredWithinRange' },
      { atSeconds: 150, wish: 4, becomes: 8 },
      { atSeconds: 299, wish: 1, becomes: 8 },
      { atSeconds: 301, wish: 1, becomes: 4, because: 'ScaleDownStabilized DesiredWithinRange' },
      { atSeconds: 451, wish: 1, becomes: 2, because: 'ReadyForNewScale TooFewReplicas' },
    ],
  ],
  [
    'with a behavior, growth may wait, too',
    2,
    up({ stabilizationWindowSeconds: 60 }),
    [
      { atSeconds: 0, wish: 2, becomes: 2 },
      { atSeconds: 15, wish: 6, becomes: 2, because: 'ScaleUpStabilized DesiredWithinRange' },
      { atSeconds: 61, wish: 6, becomes: 6, because: 'ReadyForNewScale DesiredWithinRange' },
    ],
  ],
  [
    'a policy of Pods in a period',
    2,
    up({ policies: [{ type: 'Pods', value: 2, periodSeconds: 60 }] }),
    [
      { atSeconds: 0, wish: 9, becomes: 4, because: 'ReadyForNewScale ScaleUpLimit' },
      { atSeconds: 15, wish: 9, becomes: 4, because: 'ReadyForNewScale ScaleUpLimit' },
      { atSeconds: 61, wish: 9, becomes: 6 },
    ],
  ],
  [
    'the lesser of two policies',
    4,
    up({
      selectPolicy: 'Min',
      policies: [
        { type: 'Pods', value: 4, periodSeconds: 15 },
        { type: 'Percent', value: 50, periodSeconds: 15 },
      ],
    }),
    [{ atSeconds: 0, wish: 9, becomes: 6 }],
  ],
  ['growth switched off', 4, up({ selectPolicy: 'Disabled' }), [{ atSeconds: 0, wish: 9, becomes: 4 }]],
  [
    'shrinking by a tenth a minute',
    10,
    { scaleDown: { stabilizationWindowSeconds: 0, policies: [{ type: 'Percent', value: 10, periodSeconds: 60 }] } },
    [
      { atSeconds: 0, wish: 2, becomes: 9, because: 'ReadyForNewScale ScaleDownLimit' },
      { atSeconds: 15, wish: 2, becomes: 9 },
      { atSeconds: 61, wish: 2, becomes: 8 },
    ],
  ],
  [
    'shrinking stops at the minimum',
    3,
    { scaleDown: { stabilizationWindowSeconds: 0 } },
    [{ atSeconds: 0, wish: 0, becomes: 2, because: 'ReadyForNewScale TooFewReplicas' }],
  ],
];

for (const [name, start, behavior, steps] of rows) {
  test(name, () => {
    const history: ScaleHistory = { recommendations: [], ups: [], downs: [] };
    let current = start;
    for (const { atSeconds, wish, becomes, because } of steps) {
      const nowMs = atSeconds * 1000;
      const change = limitChange(wish, { current, min: 2, max: 10, behavior }, history, nowMs);
      assert.equal(change.replicas, becomes, `at ${atSeconds} s`);
      if (because !== undefined) assert.equal(change.verdicts.map(({ reason }) => reason).join(' '), because);
      recordChange(current, change.replicas, history, nowMs);
      current = change.replicas;
    }
  });
}
