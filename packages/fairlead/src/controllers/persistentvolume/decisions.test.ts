import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type {
  PersistentVolumeClaimSpec,
  PersistentVolumeSpec,
  PersistentVolumeStatus,
  StorageClass,
  Stored,
} from '@fairlead/api';
import { readyNode } from '../fake-cluster.ts';
import { type ClaimDecision, decideClaim, type StorageState } from './decide-claim.ts';
import { decideVolume, type VolumeDecision } from './decide-volume.ts';
import { findVolume } from './match-volume.ts';
import { annotations, type Claim, type Volume } from './volume-facts.ts';

const stored = { resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
const own = (marks: readonly string[], value = 'yes'): { annotations?: Record<string, string> } =>
  marks.length === 0 ? {} : { annotations: Object.fromEntries(marks.map((mark) => [mark, value])) };

function claim(spec: PersistentVolumeClaimSpec = {}, marks: readonly string[] = []): Claim {
  return {
    metadata: { ...stored, name: 'data', namespace: 'shop', uid: 'claim', ...own(marks) },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '10Gi' } },
      storageClassName: 'fast',
      ...spec,
    },
  };
}

function volume(
  name: string,
  spec: PersistentVolumeSpec = {},
  more: { labels?: Record<string, string>; marks?: readonly string[]; phase?: PersistentVolumeStatus['phase'] } = {},
): Volume {
  return {
    metadata: { ...stored, name, uid: name, ...(more.labels && { labels: more.labels }), ...own(more.marks ?? []) },
    spec: {
      accessModes: ['ReadWriteOnce', 'ReadOnlyMany'],
      capacity: { storage: '10Gi' },
      storageClassName: 'fast',
      ...spec,
    },
    status: { phase: more.phase ?? 'Available' },
  };
}

const held = { namespace: 'shop', name: 'data', uid: 'claim' };
const byOther = { namespace: 'shop', name: 'other', uid: 'other' };
const onNode = (name: string): PersistentVolumeSpec['nodeAffinity'] => ({
  required: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] }] },
});
const node = (name: string) => ({ ...readyNode(name), metadata: { ...stored, name, uid: name } });

describe('the volume for a claim', () => {
  const cases: readonly {
    name: string;
    claim?: PersistentVolumeClaimSpec;
    volumes: readonly Volume[];
    search?: Partial<Parameters<typeof findVolume>[2]>;
    wanted: string | undefined;
  }[] = [
    { name: 'none there', volumes: [], wanted: undefined },
    {
      name: 'the smallest that is large enough',
      volumes: [
        volume('large', { capacity: { storage: '100Gi' } }),
        volume('small', { capacity: { storage: '9Gi' } }),
        volume('right', { capacity: { storage: '11Gi' } }),
      ],
      wanted: 'right',
    },
    { name: 'of one size the first by name', volumes: [volume('b'), volume('a')], wanted: 'a' },
    { name: 'of another class', volumes: [volume('a', { storageClassName: 'slow' })], wanted: undefined },
    {
      name: 'no class on either side',
      claim: { storageClassName: '' },
      volumes: [volume('a', { storageClassName: undefined })],
      wanted: 'a',
    },
    {
      name: 'a mode that it lacks',
      claim: { accessModes: ['ReadWriteOnce', 'ReadWriteMany'] },
      volumes: [volume('a')],
      wanted: undefined,
    },
    { name: 'a block device', volumes: [volume('a', { volumeMode: 'Block' })], wanted: undefined },
    {
      name: 'labels that the claim selects',
      claim: { selector: { matchLabels: { tier: 'gold' } } },
      volumes: [volume('a'), volume('b', {}, { labels: { tier: 'gold' } })],
      wanted: 'b',
    },
    { name: 'held for another claim', volumes: [volume('a', { claimRef: byOther })], wanted: undefined },
    {
      name: 'held for this one by name, before smaller ones',
      volumes: [
        volume('a'),
        volume('b', { capacity: { storage: '1Ti' }, claimRef: { namespace: 'shop', name: 'data' } }),
      ],
      wanted: 'b',
    },
    {
      name: 'held for an earlier claim of this name',
      volumes: [volume('a', { claimRef: { ...held, uid: 'earlier' } })],
      wanted: undefined,
    },
    { name: 'released', volumes: [volume('a', {}, { phase: 'Released' })], wanted: undefined },
    {
      name: 'free, but the claim waits for its consumer',
      volumes: [volume('a')],
      search: { onlyHeld: true },
      wanted: undefined,
    },
    {
      name: 'held, though the claim waits for its consumer',
      volumes: [volume('a', { claimRef: held })],
      search: { onlyHeld: true },
      wanted: 'a',
    },
    {
      name: 'of the node',
      volumes: [volume('a', { nodeAffinity: onNode('one') }), volume('b', { nodeAffinity: onNode('two') })],
      search: { node: node('two') },
      wanted: 'b',
    },
    {
      name: 'taken by the claim before',
      volumes: [volume('a'), volume('b')],
      search: { taken: new Set(['a']) },
      wanted: 'b',
    },
  ];
  for (const { name, claim: spec, volumes, search = {}, wanted } of cases) {
    test(name, () => {
      const found = findVolume(claim(spec), volumes, { onlyHeld: false, ...search });
      assert.equal(found?.metadata.name, wanted);
    });
  }
});

describe('what a claim needs next', () => {
  const classes: Readonly<Record<string, Stored<StorageClass>>> = Object.fromEntries(
    (
      [
        ['fast', 'example.com/disk', 'Immediate'],
        ['late', 'example.com/disk', 'WaitForFirstConsumer'],
        ['static', 'kubernetes.io/no-provisioner', 'Immediate'],
      ] as const
    ).map(([name, provisioner, volumeBindingMode]) => [
      name,
      { metadata: { ...stored, name, uid: name }, provisioner, volumeBindingMode },
    ]),
  );
  const told = (decision: ClaimDecision): string => {
    switch (decision.do) {
      case 'wait':
        return `wait: ${decision.remark?.reason ?? '-'}`;
      case 'bind':
        return `bind: ${decision.volume.metadata.name}`;
      case 'take-class':
        return `class: ${decision.name}`;
      case 'provision':
        return `provision: ${decision.provisioner}`;
      case 'lose':
        return `lose: ${decision.remark.reason}`;
    }
  };
  const cases: readonly {
    name: string;
    claim: Claim;
    volumes?: readonly Volume[];
    state?: Partial<StorageState>;
    wanted: string;
  }[] = [
    { name: 'a free volume', claim: claim(), volumes: [volume('a')], wanted: 'bind: a' },
    { name: 'a volume to be made', claim: claim(), wanted: 'provision: example.com/disk' },
    {
      name: 'its first consumer',
      claim: claim({ storageClassName: 'late' }),
      volumes: [volume('a', { storageClassName: 'late' })],
      wanted: 'wait: WaitForFirstConsumer',
    },
    {
      name: 'the node of its first consumer',
      claim: claim({ storageClassName: 'late' }),
      state: { waitingPod: () => 'web-0' },
      wanted: 'wait: WaitForPodScheduled',
    },
    {
      name: 'its consumer has a node',
      claim: claim({ storageClassName: 'late' }, [annotations.selectedNode]),
      wanted: 'provision: example.com/disk',
    },
    {
      name: 'the scheduler has held a volume for it',
      claim: claim({ storageClassName: 'late' }),
      volumes: [volume('a', { storageClassName: 'late', claimRef: held })],
      wanted: 'bind: a',
    },
    {
      name: 'a class without a provisioner',
      claim: claim({ storageClassName: 'static' }),
      wanted: 'wait: ProvisioningFailed',
    },
    {
      name: 'a class that is not there',
      claim: claim({ storageClassName: 'gone' }),
      wanted: 'wait: ProvisioningFailed',
    },
    { name: 'no class, no volume', claim: claim({ storageClassName: '' }), wanted: 'wait: FailedBinding' },
    {
      name: 'a default class that came later',
      claim: claim({ storageClassName: undefined }),
      state: { defaultClass: 'fast' },
      wanted: 'class: fast',
    },
    {
      name: 'an empty class is no missing one',
      claim: claim({ storageClassName: '' }),
      state: { defaultClass: 'fast' },
      wanted: 'wait: FailedBinding',
    },
    { name: 'a named volume that is not there', claim: claim({ volumeName: 'a' }), wanted: 'wait: -' },
    { name: 'a named volume', claim: claim({ volumeName: 'a' }), volumes: [volume('a')], wanted: 'bind: a' },
    {
      name: 'a named volume that is too small',
      claim: claim({ volumeName: 'a' }),
      volumes: [volume('a', { capacity: { storage: '1Gi' } })],
      wanted: 'wait: VolumeMismatch',
    },
    {
      name: 'a named volume that another claim has',
      claim: claim({ volumeName: 'a' }),
      volumes: [volume('a', { claimRef: byOther })],
      wanted: 'wait: FailedBinding',
    },
    {
      name: 'bound as it is',
      claim: claim({ volumeName: 'a' }, [annotations.bindCompleted]),
      volumes: [volume('a', { claimRef: held })],
      wanted: 'bind: a',
    },
    {
      name: 'bound, and its volume deleted',
      claim: claim({ volumeName: 'a' }, [annotations.bindCompleted]),
      wanted: 'lose: ClaimLost',
    },
    {
      name: 'bound, and its volume forgotten',
      claim: claim({}, [annotations.bindCompleted]),
      wanted: 'lose: ClaimLost',
    },
    {
      name: 'bound to what another claim has',
      claim: claim({ volumeName: 'a' }, [annotations.bindCompleted]),
      volumes: [volume('a', { claimRef: byOther })],
      wanted: 'lose: ClaimMisbound',
    },
  ];
  for (const { name, claim: subject, volumes = [], state = {}, wanted } of cases) {
    test(name, () => {
      const decision = decideClaim(subject, {
        volume: (wantedName) => volumes.find(({ metadata }) => metadata.name === wantedName),
        volumes: () => volumes,
        storageClass: (className) => classes[className],
        defaultClass: undefined,
        waitingPod: () => undefined,
        ...state,
      });
      assert.equal(told(decision), wanted);
    });
  }
});

describe('the phase of a volume', () => {
  const bound = claim({ volumeName: 'a' });
  const cases: readonly { name: string; volume: Volume; claim?: Claim; wanted: Partial<VolumeDecision> }[] = [
    { name: 'held for nobody', volume: volume('a'), wanted: { phase: 'Available' } },
    {
      name: 'held for a name',
      volume: volume('a', { claimRef: { namespace: 'shop', name: 'data' } }),
      wanted: { phase: 'Available', wakeClaim: true },
    },
    {
      name: 'held for a claim that has not chosen it yet',
      volume: volume('a', { claimRef: held }),
      claim: claim(),
      wanted: { phase: 'Available', wakeClaim: true },
    },
    { name: 'of its claim', volume: volume('a', { claimRef: held }), claim: bound, wanted: { phase: 'Bound' } },
    { name: 'its claim is gone', volume: volume('a', { claimRef: held }), wanted: { phase: 'Released' } },
    {
      name: 'its claim is gone and another one has its name',
      volume: volume('a', { claimRef: { ...held, uid: 'earlier' } }),
      claim: bound,
      wanted: { phase: 'Released' },
    },
    {
      name: 'its claim is gone, and nobody can delete it',
      volume: volume('a', { claimRef: held, persistentVolumeReclaimPolicy: 'Delete' }),
      wanted: { phase: 'Failed' },
    },
    {
      name: 'its claim is gone, and who made it deletes it',
      volume: volume(
        'a',
        { claimRef: held, persistentVolumeReclaimPolicy: 'Delete' },
        { marks: [annotations.provisionedBy] },
      ),
      wanted: { phase: 'Released' },
    },
    {
      name: 'its claim is gone, to be used again',
      volume: volume('a', { claimRef: held, persistentVolumeReclaimPolicy: 'Recycle' }),
      wanted: { phase: 'Failed', message: 'No recycler plugin found for the volume!' },
    },
    {
      name: 'chosen here for a claim that has another one',
      volume: volume('b', { claimRef: held }, { marks: [annotations.boundByController] }),
      claim: bound,
      wanted: { phase: 'Available', release: 'all' },
    },
    {
      name: 'meant by the user for a claim that has another one',
      volume: volume('b', { claimRef: held }),
      claim: bound,
      wanted: { phase: 'Available', release: 'claim' },
    },
  ];
  for (const { name, volume: subject, claim: owner, wanted } of cases) {
    test(name, () => {
      const { message, remark, ...decision } = decideVolume(subject, owner);
      const { message: text, ...rest } = wanted;
      assert.deepEqual(decision, rest);
      if (text !== undefined) assert.equal(message, text);
      assert.equal(remark !== undefined, wanted.phase === 'Failed');
    });
  }
});
