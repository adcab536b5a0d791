import { configMaps, namespaces, serviceAccounts } from '@fairlead/api';
import { isAlreadyExists } from '@fairlead/client';
import type { Controller, ControllerContext } from '../controller.ts';
import { startWorkQueue } from '../work-queue.ts';

/** Gives every namespace the ServiceAccount `default`. */
export const serviceAccountController: Controller = {
  name: 'serviceaccount',
  start(context) {
    const informer = context.informers.informer(serviceAccounts);
    const queue = startWorkQueue({
      ...context,
      name: 'serviceaccount',
      async sync(namespace) {
        await informer.synced;
        if (!isActive(context, namespace) || informer.get(`${namespace}/default`) !== undefined) return;
        const metadata = { name: 'default', namespace };
        await context.client.create(serviceAccounts, { metadata }).catch(unlessExists);
      },
    });
    wakeByNamespace(context, (namespace) => queue.add(namespace));
    context.informers.collection(serviceAccounts).subscribe((changes) => {
      for (const { old, new: next } of changes) {
        if (next === undefined && old?.metadata.name === 'default') queue.add(old.metadata.namespace ?? '');
      }
    });
    return queue;
  },
};

/** Gives every namespace the ConfigMap `kube-root-ca.crt`, by which Pods know the API server. */
export const rootCaPublisher: Controller = {
  name: 'root-ca-certificate-publisher',
  start(context) {
    const name = 'kube-root-ca.crt';
    const informer = context.informers.informer(configMaps);
    const data = { 'ca.crt': context.settings.rootCa };
    const description =
      'Contains a CA bundle that can be used to verify the API server of this cluster, inside it and on its nodes.';
    const queue = startWorkQueue({
      ...context,
      name: 'root-ca-certificate-publisher',
      async sync(namespace) {
        await informer.synced;
        if (!isActive(context, namespace)) return;
        const present = informer.get(`${namespace}/${name}`);
        if (present?.data?.['ca.crt'] === data['ca.crt'] && Object.keys(present.data).length === 1) return;
        const annotations = { 'kubernetes.io/description': description };
        if (present === undefined) {
          const metadata = { name, namespace, annotations };
          await context.client.create(configMaps, { metadata, data }).catch(unlessExists);
        } else {
          const { metadata } = await context.client.update(configMaps, { ...present, data });
          await informer.caughtUp(metadata.resourceVersion);
        }
      },
    });
    wakeByNamespace(context, (namespace) => queue.add(namespace));
    context.informers.collection(configMaps).subscribe((changes) => {
      for (const { old, new: next } of changes) {
        const { metadata } = next ?? old ?? {};
        if (metadata?.name === name) queue.add(metadata.namespace ?? '');
      }
    });
    return queue;
  },
};

function wakeByNamespace(context: ControllerContext, wake: (namespace: string) => void): void {
  context.informers.collection(namespaces).subscribe((changes) => {
    for (const change of changes) if (change.new !== undefined) wake(change.key);
  });
}

function isActive(context: ControllerContext, namespace: string): boolean {
  const found = context.informers.informer(namespaces).get(namespace);
  return found !== undefined && found.metadata.deletionTimestamp === undefined;
}

function unlessExists(error: unknown): void {
  if (!isAlreadyExists(error)) throw error;
}
