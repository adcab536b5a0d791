import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { HostPathVolumeSource, PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '@fairlead/api';
import type { ConfigSource } from '../environment/container-env.ts';
import { linkClaim, MountError, prepareHostPath } from './machine-volumes.ts';

const folder = mkdtempSync(join(tmpdir(), 'fairlead-host-path-'));
const socket = createServer();
before(async () => {
  mkdirSync(join(folder, 'folder'));
  writeFileSync(join(folder, 'file'), '');
  await once(socket.listen(join(folder, 'socket')), 'listening');
});
after(() => {
  socket.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('hostPath by type and by what is there', () => {
  const there = ['folder', 'file', 'socket', '/dev/null', 'nothing'] as const;
  type Outcome = 'ok' | 'made' | 'refused';
  /** One letter per thing that is there: taken, made, refused. */
  const grid: readonly (readonly [type: NonNullable<HostPathVolumeSource['type']>, outcomes: string])[] = [
    ['', 'ttttm'],
    ['Directory', 'trrrr'],
    ['DirectoryOrCreate', 'trrrm'],
    ['File', 'rtrrr'],
    ['FileOrCreate', 'rtrrm'],
    ['Socket', 'rrtrr'],
    ['CharDevice', 'rrrtr'],
    ['BlockDevice', 'rrrrr'],
  ];
  for (const [type, outcomes] of grid) {
    assert.equal(outcomes.length, there.length);
    for (const [index, name] of there.entries()) {
      const wanted: Outcome = outcomes[index] === 't' ? 'ok' : outcomes[index] === 'm' ? 'made' : 'refused';
      test(`${type === '' ? 'no type' : type}, ${name}: ${wanted}`, () => {
        const path = name.startsWith('/') ? name : join(folder, name === 'nothing' ? `new-${type}/deep` : name);
        if (type === 'FileOrCreate') mkdirSync(join(folder, `new-${type}`), { recursive: true });
        const prepare = (): void => prepareHostPath('v', { path, type });
        if (wanted === 'refused') return assert.throws(prepare, MountError);
        prepare();
        if (wanted === 'made') assert.equal(statSync(path).isDirectory(), type !== 'FileOrCreate');
      });
    }
  }
});

describe('the link to the volume of a claim', () => {
  const pod: Pod = { metadata: { name: 'web', namespace: 'shop', uid: 'pod' } };
  const mounted: Volume = { name: 'data', persistentVolumeClaim: { claimName: 'claim' } };
  const ephemeral: Volume = {
    name: 'data',
    ephemeral: { volumeClaimTemplate: { spec: { accessModes: ['ReadWriteOnce'] } } },
  };
  const bound: PersistentVolumeClaim = {
    metadata: { uid: 'claim' },
    spec: { volumeName: 'pv' },
    status: { phase: 'Bound' },
  };
  const claimRef = { uid: 'claim' };
  const local = (path: string): PersistentVolume => ({ metadata: { name: 'pv' }, spec: { claimRef, local: { path } } });
  const cases: readonly {
    name: string;
    volume?: Volume;
    claim?: PersistentVolumeClaim;
    found?: PersistentVolume;
    wanted: string | RegExp;
  }[] = [
    { name: 'a local volume', claim: bound, found: local(join(folder, 'folder')), wanted: join(folder, 'folder') },
    {
      name: 'a hostPath volume, made where it may be',
      claim: bound,
      found: {
        metadata: { name: 'pv' },
        spec: { claimRef, hostPath: { path: join(folder, 'made'), type: 'DirectoryOrCreate' } },
      },
      wanted: join(folder, 'made'),
    },
    { name: 'no claim', wanted: /persistentvolumeclaim "claim" not found/ },
    { name: 'a claim that waits', claim: { status: { phase: 'Pending' } }, wanted: /PVC is not bound/ },
    { name: 'no volume', claim: bound, wanted: /persistentvolume "pv" not found/ },
    {
      name: 'a volume of another claim',
      claim: bound,
      found: { metadata: { name: 'pv' }, spec: { claimRef: { uid: 'other' }, local: { path: folder } } },
      wanted: /are not bound to each other/,
    },
    {
      name: 'a folder that is gone',
      claim: bound,
      found: local(join(folder, 'gone')),
      wanted: /path ".*gone" does not exist/,
    },
    {
      name: 'a volume of the network',
      claim: bound,
      found: { metadata: { name: 'pv' }, spec: { claimRef, nfs: { server: 's', path: '/' } } },
      wanted: /of a type that this node does not support/,
    },
    {
      name: 'an ephemeral volume whose claim is somebody else’s',
      volume: ephemeral,
      claim: bound,
      wanted: /was not created for pod shop\/web/,
    },
    {
      name: 'an ephemeral volume',
      volume: ephemeral,
      claim: {
        ...bound,
        metadata: { uid: 'claim', ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'web', uid: 'pod' }] },
      },
      found: local(join(folder, 'folder')),
      wanted: join(folder, 'folder'),
    },
  ];
  for (const [index, { name, volume = mounted, claim, found, wanted }] of cases.entries()) {
    test(name, async () => {
      const asked: string[] = [];
      const source: ConfigSource = {
        configMap: async () => undefined,
        secret: async () => undefined,
        async claim(namespace, claimName) {
          asked.push(`${namespace}/${claimName}`);
          return claim;
        },
        volume: async (volumeName) => (volumeName === 'pv' ? found : undefined),
        token: async () => ({ token: '', expiresAt: 0 }),
      };
      const link = join(folder, `volumes-${index}`, 'data');
      const done = linkClaim(pod, volume, link, source);
      if (typeof wanted !== 'string') {
        await assert.rejects(done, wanted);
        assert.ok(!existsSync(link));
      } else {
        await done;
        assert.equal(readlinkSync(link), wanted);
        await linkClaim(pod, volume, link, source);
        assert.ok(lstatSync(link).isSymbolicLink());
      }
      assert.equal(asked[0], volume === ephemeral ? 'shop/web-data' : 'shop/claim');
    });
  }
});
