import { announcerNamespace } from '@fairlead/api/fairlead-dev/types';
import { nodeLeaseNamespace, nodeNameOf } from '../authorization/node-authorizer.ts';
import type { RestContext } from '../rest/rest-context.ts';
import { sameJson } from '../rest/strategy.ts';
import type { UserInfo } from '../server/api-request.ts';
import { forbidden } from '../server/status-error.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { storeKey } from '../watch/object-cache.ts';
import { type AdmissionAttributes, recordsOf } from './admission-attributes.ts';

/** Labels of Kubernetes' own domains that a node may set on its Node. */
const ownLabels: ReadonlySet<string> = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
]);
const ownLabelDomains = ['kubelet.kubernetes.io', 'node.kubernetes.io'];
const mirrorAnnotation = 'kubernetes.io/config.mirror';

/**
 * NodeRestriction: a node agent changes its own Node and Lease and the Pods bound to it, nobody
 * else's. Throws the 403 of a Kubernetes server. Costs one look at the groups for other users.
 */
export function restrictNode(context: RestContext, write: AdmissionAttributes): void {
  const node = nodeNameOf(write.user);
  if (node === undefined) return;
  const { resource } = write;
  const refuse: Refuse = (why) => {
    throw forbidden(resource, write.name, why);
  };
  if (resource.group === '' && resource.plural === 'pods') checkPod(context, node, write, refuse);
  else if (resource.group === '' && resource.plural === 'nodes') checkNode(node, write, refuse);
  else if (resource.group === 'coordination.k8s.io' && resource.plural === 'leases') checkLease(node, write, refuse);
}

type Refuse = (why: string) => never;

function checkPod(context: RestContext, node: string, write: AdmissionAttributes, refuse: Refuse): void {
  const { operation, subresource, object, old } = write;
  const bound = recordOf((old ?? object)?.spec)?.nodeName;
  switch (subresource) {
    case undefined:
      if (operation === 'CREATE') checkMirrorPod(context, node, object, refuse);
      else if (operation === 'DELETE') {
        if (bound !== node)
          refuse(`node ${JSON.stringify(node)} can only delete pods with spec.nodeName set to itself`);
      } else
        refuse(
          `unexpected operation ${JSON.stringify(operation)}, node ${JSON.stringify(node)} can only create and delete mirror pods`,
        );
      return;
    case 'status':
      if (bound !== node) {
        refuse(`node ${JSON.stringify(node)} can only update pod status for pods with spec.nodeName set to itself`);
      }
      if (!sameJson(object?.metadata.labels ?? {}, old?.metadata.labels ?? {})) {
        refuse(`node ${JSON.stringify(node)} cannot update labels through pod status`);
      }
      return;
    case 'eviction':
      if (bound !== node) refuse(`node ${node} can only evict pods with spec.nodeName set to itself`);
      return;
    default:
      refuse(
        `unexpected pod subresource ${JSON.stringify(subresource)}, only 'status', 'eviction' and 'resize' are allowed`,
      );
  }
}

/** A node may show the Pods it runs from its own files, and they may ask for nothing of the API. */
function checkMirrorPod(context: RestContext, node: string, pod: KubeObject | undefined, refuse: Refuse): void {
  const name = JSON.stringify(node);
  if (pod?.metadata.annotations?.[mirrorAnnotation] === undefined) {
    refuse(
      `pod does not have ${JSON.stringify(mirrorAnnotation)} annotation, node ${name} can only create mirror pods`,
    );
  }
  const spec = recordOf(pod?.spec) ?? {};
  if (spec.nodeName !== node) refuse(`node ${name} can only create pods with spec.nodeName set to itself`);
  const owners = recordsOf(pod?.metadata.ownerReferences);
  const nodes = context.served.find('', 'v1', 'nodes')!;
  const uid = context.cache.resource(nodes.prefix).get(storeKey(nodes.prefix, '', node))?.object.metadata.uid;
  const [owner] = owners;
  if (
    owners.length > 1 ||
    (owner !== undefined && (owner.kind !== 'Node' || owner.name !== node || owner.uid !== uid))
  ) {
    refuse(`node ${name} can only create pods with an owner reference set to itself`);
  }
  if (String(spec.serviceAccountName ?? '') !== '')
    refuse(`node ${name} can not create pods that reference a service account`);
  const volumes = recordsOf(spec.volumes);
  for (const [field, plural] of [
    ['secret', 'secrets'],
    ['configMap', 'configmaps'],
    ['persistentVolumeClaim', 'persistentvolumeclaims'],
    ['projected', 'projected volumes'],
  ] as const) {
    if (volumes.some((volume) => volume[field] !== undefined && volume[field] !== null)) {
      refuse(`node ${name} can not create pods that reference ${plural}`);
    }
  }
}

function checkNode(node: string, write: AdmissionAttributes, refuse: Refuse): void {
  const { operation, object, old } = write;
  const name = write.name === '' ? (object?.metadata.name ?? '') : write.name;
  if (name !== node) refuse(`node ${JSON.stringify(node)} is not allowed to modify node ${JSON.stringify(name)}`);
  if (operation === 'DELETE') return;
  const spec = recordOf(object?.spec) ?? {};
  if (operation === 'CREATE') {
    if (spec.configSource !== undefined && spec.configSource !== null)
      refuse('is not allowed to create pods with a non-nil configSource');
    const wrong = foreignLabels(object?.metadata.labels, undefined);
    if (wrong.length > 0) refuse(`is not allowed to set the following labels: ${wrong.join(', ')}`);
    return;
  }
  if (!sameJson(spec.taints ?? [], recordOf(old?.spec)?.taints ?? [])) {
    refuse(`is not allowed to modify taints`);
  }
  if (!sameJson(object?.metadata.ownerReferences ?? [], old?.metadata.ownerReferences ?? [])) {
    refuse(`is not allowed to modify ownerReferences`);
  }
  const wrong = foreignLabels(object?.metadata.labels, old?.metadata.labels);
  if (wrong.length > 0) refuse(`is not allowed to modify labels: ${wrong.join(', ')}`);
}

/** Labels of Kubernetes' domains that differ from before and are not the node's to set. */
function foreignLabels(
  labels: Readonly<Record<string, string>> | undefined,
  before: Readonly<Record<string, string>> | undefined,
): string[] {
  const names = new Set([...Object.keys(labels ?? {}), ...Object.keys(before ?? {})]);
  return [...names]
    .filter((name) => labels?.[name] !== before?.[name])
    .filter((name) => {
      const domain = name.includes('/') ? name.slice(0, name.indexOf('/')) : '';
      if (isIn(domain, 'node-restriction.kubernetes.io')) return true;
      if (!isIn(domain, 'kubernetes.io') && !isIn(domain, 'k8s.io')) return false;
      return !ownLabels.has(name) && !ownLabelDomains.some((own) => isIn(domain, own));
    })
    .sort();
}

function isIn(domain: string, parent: string): boolean {
  return domain === parent || domain.endsWith(`.${parent}`);
}

function checkLease(node: string, write: AdmissionAttributes, refuse: Refuse): void {
  const name = write.name === '' ? (write.object?.metadata.name ?? '') : write.name;
  if (write.namespace === announcerNamespace) {
    // Announcers hand addresses to one another, but speak for nobody else.
    if (name !== `node-${node}` && !name.startsWith('address-')) refuse('can only access announcer leases of its own');
    return;
  }
  if (write.namespace !== nodeLeaseNamespace) {
    refuse(`can only access leases in the "${nodeLeaseNamespace}" system namespace`);
  }
  if (name !== node) refuse('can only access node lease with the same name as the requesting node');
}

/** What a TokenRequest of a node may ask for: tokens bound to a Pod that runs on it. */
export function restrictNodeToken(
  context: RestContext,
  user: UserInfo,
  namespace: string,
  account: string,
  request: Readonly<Record<string, unknown>>,
): void {
  const node = nodeNameOf(user);
  if (node === undefined) return;
  const accounts = { group: '', plural: 'serviceaccounts', kind: 'ServiceAccount' };
  const refuse: Refuse = (why) => {
    throw forbidden(accounts, account, why);
  };
  const reference = recordOf(request.boundObjectRef);
  if (reference === undefined) refuse('node requested token not bound to a pod');
  if (reference.apiVersion !== 'v1' || reference.kind !== 'Pod' || String(reference.name ?? '') === '') {
    refuse('node requested token not bound to a pod');
  }
  if (String(reference.uid ?? '') === '') refuse('node requested token with a pod binding without a uid');
  const pods = context.served.find('', 'v1', 'pods')!;
  const pod = context.cache.resource(pods.prefix).get(storeKey(pods.prefix, namespace, String(reference.name)))?.object;
  if (pod === undefined) refuse(`pods ${JSON.stringify(reference.name)} not found`);
  if (pod.metadata.uid !== reference.uid) {
    refuse(
      `the UID in the bound object reference (${String(reference.uid)}) does not match the UID in record (${String(pod.metadata.uid)}). The object might have been deleted and then recreated`,
    );
  }
  if (recordOf(pod.spec)?.nodeName !== node) {
    refuse('node requested token bound to a pod scheduled on a different node');
  }
  const audiences = (Array.isArray(request.audiences) ? request.audiences : []).map(String);
  if (audiences.length > 1) refuse('node may only request 0 or 1 audiences');
  const [audience = ''] = audiences;
  if (audience !== '' && !podAudiences(pod).has(audience)) {
    refuse(`audience ${JSON.stringify(audience)} not found in pod spec volume`);
  }
}

function podAudiences(pod: KubeObject): Set<string> {
  const found = new Set<string>();
  for (const volume of recordsOf(recordOf(pod.spec)?.volumes)) {
    for (const source of recordsOf(recordOf(volume.projected)?.sources)) {
      const token = recordOf(source.serviceAccountToken);
      if (token !== undefined) found.add(String(token.audience ?? ''));
    }
  }
  return found;
}
