import { existsSync, mkdirSync } from 'node:fs';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type NodeSelectorRequirement,
  type NodeSelectorTerm,
  nodes,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type StorageClass,
  type Stored,
} from '@fairlead/api';
import { ApiError, type Informer, isNotFound } from '@fairlead/client';
import type { Controller, ControllerContext } from '../controller.ts';
import { startWorkQueue } from '../work-queue.ts';
import { persistentVolumeClaims, persistentVolumes, storageClasses } from '../workload/resource-refs.ts';
import { aboutClaim, aboutVolume } from './binder.ts';
import {
  annotations,
  type Claim,
  claimKey,
  classNameOf,
  isHeldFor,
  type Volume,
  waitsForConsumer,
} from './volume-facts.ts';

/** As in `provisioner` of a StorageClass. */
const folderProvisionerName = 'fairlead.dev/folder';
const defaultClassName = 'standard';
const hostLabel = 'kubernetes.io/hostname';
/** Modes of a volume that one node mounts; others are for all nodes of the machine. */
const oneNodeModes: readonly string[] = ['ReadWriteOnce', 'ReadWriteOncePod'];

/**
 * Makes volumes for claims of classes with the provisioner `fairlead.dev/folder`: folders of this machine, below
 * `settings.volumesDir`; without that it has nothing to do. The first time, it makes the default class `standard`: deleted by the
 * user, it stays deleted.
 */
export const folderProvisioner: Controller = {
  name: 'folder-provisioner',
  needs: [persistentVolumes, persistentVolumeClaims, storageClasses],
  start(context) {
    const { volumesDir } = context.settings;
    if (volumesDir === undefined) return { stop: async () => {} };
    const provisioner = new FolderProvisioner(context, volumesDir);
    return { stop: () => provisioner.queue.stop() };
  },
};

const standardClass: StorageClass = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: defaultClassName, annotations: { [annotations.defaultClass]: 'true' } },
  provisioner: folderProvisionerName,
  reclaimPolicy: 'Delete',
  volumeBindingMode: 'WaitForFirstConsumer',
};

/** Keys are `class`, `claim NAMESPACE/NAME` and `volume NAME`. */
class FolderProvisioner {
  readonly #context: ControllerContext;
  readonly #folder: string;
  readonly #events;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #classes: Informer<StorageClass>;
  readonly #nodes;
  readonly queue;

  constructor(context: ControllerContext, folder: string) {
    this.#context = context;
    this.#folder = folder;
    this.#events = context.recorder(folderProvisionerName);
    this.#claims = context.informers.informer(persistentVolumeClaims);
    this.#volumes = context.informers.informer(persistentVolumes);
    this.#classes = context.informers.informer(storageClasses);
    this.#nodes = context.informers.informer(nodes);
    this.queue = startWorkQueue({ ...context, name: 'folder-provisioner', sync: (key) => this.#sync(key) });
    if (!existsSync(folder)) this.queue.add('class');
    const isOurs = (own: Readonly<Record<string, string>> | undefined, name: string): boolean =>
      own?.[name] === folderProvisionerName;
    context.informers.collection(persistentVolumeClaims).subscribe((changes) => {
      for (const { key, new: claim } of changes) {
        if (isOurs(claim?.metadata.annotations, annotations.storageProvisioner)) this.queue.add(`claim ${key}`);
      }
    });
    context.informers.collection(persistentVolumes).subscribe((changes) => {
      for (const { key, new: volume } of changes) {
        if (isOurs(volume?.metadata.annotations, annotations.provisionedBy)) this.queue.add(`volume ${key}`);
      }
    });
  }

  async #sync(key: string): Promise<void> {
    const [kind, name = ''] = key.split(' ');
    if (kind === 'class') return this.#ensureClass();
    await Promise.all([this.#claims, this.#volumes, this.#classes, this.#nodes].map(({ synced }) => synced));
    const claim = kind === 'claim' ? this.#claims.get(name) : undefined;
    if (claim !== undefined) await this.#provision(claim);
    const volume = kind === 'volume' ? this.#volumes.get(name) : undefined;
    if (volume !== undefined) await this.#reclaim(volume);
  }

  /** The folder marks that the class has been made once. */
  async #ensureClass(): Promise<void> {
    try {
      await this.#context.client.create(storageClasses, standardClass);
    } catch (error) {
      if (!(error instanceof ApiError) || error.reason !== 'AlreadyExists') throw error;
    }
    mkdirSync(this.#folder, { recursive: true, mode: 0o711 });
  }

  async #provision(claim: Claim): Promise<void> {
    if ((claim.spec?.volumeName ?? '') !== '' || claim.metadata.deletionTimestamp !== undefined) return;
    for (const volume of this.#volumes.values()) if (volume.spec?.claimRef && isHeldFor(volume, claim)) return;
    const storageClass = this.#classes.get(classNameOf(claim));
    if (storageClass?.provisioner !== folderProvisionerName) return;
    const node = this.#nodeFor(claim, storageClass);
    if (node === undefined) return;
    this.#events.record(
      claim,
      'Normal',
      'Provisioning',
      `External provisioner is provisioning volume for claim "${claimKey(claim)}"`,
      aboutClaim,
    );
    const volume = this.#volumeFor(claim, storageClass, node);
    if (typeof volume === 'string') {
      const text = `failed to provision volume with StorageClass "${storageClass.metadata.name}": ${volume}`;
      this.#events.record(claim, 'Warning', 'ProvisioningFailed', text, aboutClaim);
      return;
    }
    const { name = '' } = volume.metadata ?? {};
    const path = join(this.#folder, name);
    await mkdir(path, { recursive: true });
    // Programs of any user write to it.
    await chmod(path, 0o777);
    const made = await this.#context.client.create(persistentVolumes, volume);
    await this.#volumes.caughtUp(made.metadata.resourceVersion);
    this.#events.record(
      claim,
      'Normal',
      'ProvisioningSucceeded',
      `Successfully provisioned volume ${name}`,
      aboutClaim,
    );
  }

  /** The node that the scheduler has chosen; without a choice to wait for, the first that there is. */
  #nodeFor(claim: Claim, storageClass: StorageClass): string | undefined {
    const selected = claim.metadata.annotations?.[annotations.selectedNode];
    if (selected !== undefined || waitsForConsumer(storageClass)) return selected;
    return [...this.#nodes.values()].map(({ metadata }) => metadata.name).sort()[0];
  }

  /** The volume's object, or why there can be none. */
  #volumeFor(claim: Claim, storageClass: Stored<StorageClass>, node: string): PersistentVolume | string {
    const { accessModes = [], volumeMode, resources, selector } = claim.spec ?? {};
    if (volumeMode === 'Block') return 'a folder is no block device';
    if (selector !== undefined) return 'claim.Spec.Selector is not supported';
    const { name, namespace = '', uid } = claim.metadata;
    const volumeName = `pvc-${uid}`;
    const host = this.#nodes.get(node)?.metadata.labels?.[hostLabel];
    const isIn = (key: string, value: string): NodeSelectorRequirement => ({ key, operator: 'In', values: [value] });
    const term: NodeSelectorTerm =
      host === undefined
        ? { matchFields: [isIn('metadata.name', node)] }
        : { matchExpressions: [isIn(hostLabel, host)] };
    const onOneNode = accessModes.every((mode) => oneNodeModes.includes(mode));
    return {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: volumeName, annotations: { [annotations.provisionedBy]: folderProvisionerName } },
      spec: {
        accessModes: [...accessModes],
        capacity: { storage: resources?.requests?.storage ?? '0' },
        claimRef: { ...aboutClaim, namespace, name, uid, resourceVersion: claim.metadata.resourceVersion },
        persistentVolumeReclaimPolicy: storageClass.reclaimPolicy === 'Retain' ? 'Retain' : 'Delete',
        storageClassName: storageClass.metadata.name,
        volumeMode: 'Filesystem',
        ...(onOneNode
          ? {
              local: { path: join(this.#folder, volumeName) },
              nodeAffinity: { required: { nodeSelectorTerms: [term] } },
            }
          : { hostPath: { path: join(this.#folder, volumeName), type: 'DirectoryOrCreate' } }),
      },
    };
  }

  /** Deletes a released volume and what is in it. Only folders that were made here are touched. */
  async #reclaim({ metadata, spec, status }: Volume): Promise<void> {
    if (status?.phase !== 'Released' || spec?.persistentVolumeReclaimPolicy !== 'Delete') return;
    if (metadata.deletionTimestamp !== undefined) return;
    const path = join(this.#folder, metadata.name);
    if ((spec.local?.path ?? spec.hostPath?.path) !== path) {
      const text = `volume "${metadata.name}" is not a folder of this machine`;
      this.#events.record({ metadata }, 'Warning', 'VolumeFailedDelete', text, aboutVolume);
      return;
    }
    await rm(path, { recursive: true, force: true });
    const target = { name: metadata.name };
    await this.#context.client
      .delete(persistentVolumes, target, { preconditions: { uid: metadata.uid } })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
  }
}
