import type { CustomResourceDefinition } from '@fairlead/api';
import { ownDefinitions } from '@fairlead/api/fairlead-dev/definitions';
import { type AddressPool, announcerNamespace, type L2Announcement } from '@fairlead/api/fairlead-dev/types';
import { ApiError, deepEqual } from '@fairlead/client';
import type { InProcessClient } from '../client/in-process-client.ts';

const definitionsPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const ownPath = '/apis/fairlead.dev/v1alpha1';

/**
 * Installs the definitions of Fairlead's own kinds, or brings them to this version's text.
 *
 * @param settled resolves when definitions written before are served
 * @param machinePool address ranges for a first pool. It is made together with the definitions only: deleted by the user,
 *   it stays deleted.
 */
export async function ensureOwnKinds(
  client: InProcessClient,
  settled: () => Promise<void>,
  machinePool?: readonly string[],
): Promise<void> {
  const [isNew] = await Promise.all([
    Promise.all(ownDefinitions.map((definition) => ensureDefinition(client, definition))),
    ensureAnnouncerNamespace(client),
  ]);
  if (machinePool === undefined || !isNew.some(Boolean)) return;
  await settled();
  const pool: AddressPool = {
    apiVersion: 'fairlead.dev/v1alpha1',
    kind: 'AddressPool',
    metadata: { name: 'machine' },
    spec: { addresses: [...machinePool] },
  };
  const announcement: L2Announcement = {
    apiVersion: 'fairlead.dev/v1alpha1',
    kind: 'L2Announcement',
    metadata: { name: 'machine' },
    spec: { pools: ['machine'] },
  };
  await createUnlessPresent(client, `${ownPath}/addresspools`, pool);
  await createUnlessPresent(client, `${ownPath}/l2announcements`, announcement);
}

/** A place of their own for what announcers write: agents may write no Leases and read no Secrets elsewhere. */
async function ensureAnnouncerNamespace(client: InProcessClient): Promise<void> {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: announcerNamespace } };
  await createUnlessPresent(client, '/api/v1/namespaces', namespace);
  const rbac = 'rbac.authorization.k8s.io';
  const binding = {
    apiVersion: `${rbac}/v1`,
    kind: 'RoleBinding',
    metadata: { name: 'announcers', namespace: announcerNamespace },
    roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'system:fairlead:announcer' },
    subjects: [{ apiGroup: rbac, kind: 'Group', name: 'system:fairlead:agents' }],
  };
  const path = `/apis/${rbac}/v1/namespaces/${announcerNamespace}/rolebindings`;
  await createUnlessPresent(client, path, binding);
}

/** True when the definition was not there. */
async function ensureDefinition(client: InProcessClient, definition: CustomResourceDefinition): Promise<boolean> {
  const path = `${definitionsPath}/${definition.metadata?.name}`;
  let current: CustomResourceDefinition;
  try {
    current = (await client.request('GET', path)) as CustomResourceDefinition;
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 404) throw error;
    await client.request('POST', definitionsPath, definition);
    return true;
  }
  if (!deepEqual(current.spec.versions, definition.spec.versions)) {
    await client.request('PUT', path, { ...current, spec: { ...current.spec, versions: definition.spec.versions } });
  }
  return false;
}

async function createUnlessPresent(client: InProcessClient, path: string, object: unknown): Promise<void> {
  try {
    await client.request('POST', path, object);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 409) throw error;
  }
}
