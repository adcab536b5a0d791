import type { ServedResources } from '../resources/served-resources.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import type { ObjectCache } from '../watch/object-cache.ts';

/** What a Pod refers to and its node may therefore read. */
export type PodReference = 'secrets' | 'configmaps' | 'persistentvolumeclaims' | 'serviceaccounts';

/** What one Pod contributes. */
interface PodEntry {
  readonly node: string;
  /** Keys of {@link referenceKey}; no duplicates. */
  readonly references: ReadonlySet<string>;
}

/**
 * Which objects the Pods of each node refer to, kept by the change events of Pods.
 *
 * Built when the first node asks. From then on a change costs the references of one Pod, and a
 * question two look-ups.
 */
export class NodeGraph {
  readonly #cache: ObjectCache;
  readonly #prefix: string;
  readonly #pods = new Map<string, PodEntry>();
  /** Node to reference to the number of its Pods that have it. */
  readonly #byNode = new Map<string, Map<string, number>>();
  #built = false;

  constructor(cache: ObjectCache, served: ServedResources) {
    this.#cache = cache;
    this.#prefix = served.find('', 'v1', 'pods')!.prefix;
  }

  /** True when a Pod bound to the node refers to the object. */
  refersTo(node: string, kind: PodReference, namespace: string, name: string): boolean {
    this.#build();
    return this.#byNode.get(node)?.has(referenceKey(kind, namespace, name)) === true;
  }

  /** The node of a Pod, if it is bound to one. */
  nodeOfPod(namespace: string, name: string): string | undefined {
    this.#build();
    return this.#pods.get(`${namespace}/${name}`)?.node;
  }

  #build(): void {
    if (this.#built) return;
    this.#built = true;
    const pods = this.#cache.resource(this.#prefix);
    // Parsed for this one look, so that the Pods do not stay in memory in decoded form.
    for (const { value } of pods.list('')) this.#set(JSON.parse(value) as KubeObject, false);
    pods.subscribe({
      namespace: '',
      name: undefined,
      receive: ({ current, deleted }) => this.#set(current.object, deleted),
    });
  }

  #set(pod: KubeObject, deleted: boolean): void {
    const { namespace = '', name = '' } = pod.metadata;
    const key = `${namespace}/${name}`;
    const before = this.#pods.get(key);
    const node = deleted ? '' : String(recordOf(pod.spec)?.nodeName ?? '');
    // What a Pod refers to is fixed with its node: only status and metadata change later.
    if (before !== undefined && before.node === node) return;
    if (before !== undefined) {
      const counts = this.#byNode.get(before.node);
      for (const reference of before.references) {
        const left = (counts?.get(reference) ?? 1) - 1;
        if (left > 0) counts?.set(reference, left);
        else counts?.delete(reference);
      }
      if (counts?.size === 0) this.#byNode.delete(before.node);
      this.#pods.delete(key);
    }
    if (node === '') return;
    const entry: PodEntry = { node, references: new Set(podReferences(pod)) };
    this.#pods.set(key, entry);
    let counts = this.#byNode.get(node);
    if (counts === undefined) {
      counts = new Map();
      this.#byNode.set(node, counts);
    }
    for (const reference of entry.references) counts.set(reference, (counts.get(reference) ?? 0) + 1);
  }
}

function referenceKey(kind: PodReference, namespace: string, name: string): string {
  return `${kind}/${namespace}/${name}`;
}

/** Every Secret, ConfigMap, claim and ServiceAccount a Pod names, as keys. */
function podReferences(pod: KubeObject): string[] {
  const namespace = pod.metadata.namespace ?? '';
  const spec = recordOf(pod.spec) ?? {};
  const found: string[] = [];
  const add = (kind: PodReference, name: unknown): void => {
    if (typeof name === 'string' && name !== '') found.push(referenceKey(kind, namespace, name));
  };
  add('serviceaccounts', spec.serviceAccountName ?? spec.serviceAccount);
  for (const secret of records(spec.imagePullSecrets)) add('secrets', secret.name);
  for (const list of [spec.containers, spec.initContainers, spec.ephemeralContainers]) {
    for (const container of records(list)) {
      for (const from of records(container.envFrom)) {
        add('secrets', recordOf(from.secretRef)?.name);
        add('configmaps', recordOf(from.configMapRef)?.name);
      }
      for (const variable of records(container.env)) {
        const from = recordOf(variable.valueFrom);
        add('secrets', recordOf(from?.secretKeyRef)?.name);
        add('configmaps', recordOf(from?.configMapKeyRef)?.name);
      }
    }
  }
  for (const volume of records(spec.volumes)) {
    add('secrets', recordOf(volume.secret)?.secretName);
    add('configmaps', recordOf(volume.configMap)?.name);
    add('persistentvolumeclaims', recordOf(volume.persistentVolumeClaim)?.claimName);
    if (recordOf(volume.ephemeral) !== undefined) {
      add('persistentvolumeclaims', `${pod.metadata.name}-${String(volume.name)}`);
    }
    add('secrets', recordOf(recordOf(volume.csi)?.nodePublishSecretRef)?.name);
    for (const source of records(recordOf(volume.projected)?.sources)) {
      add('secrets', recordOf(source.secret)?.name);
      add('configmaps', recordOf(source.configMap)?.name);
    }
  }
  return found;
}

function records(value: unknown): Record<string, unknown>[] {
  return (Array.isArray(value) ? (value as unknown[]) : []).map(recordOf).filter((item) => item !== undefined);
}
