import { jsonEqual, selectorMatches } from '@fairlead/api';
import { ApiError } from '@fairlead/client';
import type { Log } from '../../sys/role.ts';
import type { InProcessClient } from '../client/in-process-client.ts';
import type { ServedResources } from '../resources/served-resources.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import type { ObjectCache } from '../watch/object-cache.ts';
import type { ResourceCache } from '../watch/resource-cache.ts';
import { rbacGroup } from './authorizer.ts';
import { policyRules, ruleJson } from './policy-rule.ts';

/**
 * Keeps the rules of ClusterRoles with an aggregation rule: the union of the rules of the roles
 * that its selectors match, in the order of their names.
 */
export class RoleAggregation {
  readonly #client: InProcessClient;
  readonly #roles: ResourceCache;
  readonly #log: Log;
  readonly #unsubscribe: () => void;
  #running: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  constructor(client: InProcessClient, cache: ObjectCache, served: ServedResources, log: Log) {
    this.#client = client;
    this.#log = log;
    this.#roles = cache.resource(served.find(rbacGroup, 'v1', 'clusterroles')!.prefix);
    const receive = (): void => void this.settle();
    this.#unsubscribe = this.#roles.subscribe({ namespace: '', name: undefined, receive });
  }

  /** Brings every aggregated role up to date; resolves when nothing is left to do. */
  settle(): Promise<void> {
    this.#again = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unsubscribe();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false;
      // What changes here is told by an event, which asks for another round: view feeds edit feeds admin.
      for (const { object } of this.#roles.list('')) {
        if (object.aggregationRule !== undefined && !this.#stopped) await this.#update(object);
      }
    }
  }

  async #update(role: KubeObject): Promise<void> {
    const rules = aggregatedRules(role, this.#all());
    const held = Array.isArray(role.rules) ? role.rules : [];
    if (jsonEqual(held, rules)) return;
    const path = `/apis/${rbacGroup}/v1/clusterroles/${encodeURIComponent(role.metadata.name ?? '')}`;
    try {
      await this.#client.request('PUT', path, { ...role, rules });
    } catch (error) {
      // A conflict means that somebody wrote in between, and an event of that write is coming.
      const expected = this.#stopped || (error instanceof ApiError && (error.code === 409 || error.code === 404));
      if (!expected) this.#log('error', 'cannot aggregate role', { role: role.metadata.name, error: String(error) });
    }
  }

  #all(): KubeObject[] {
    return this.#roles.list('').map(({ object }) => object);
  }
}

/** The rules an aggregated role should have, given all ClusterRoles in the order of their names. */
function aggregatedRules(role: KubeObject, all: readonly KubeObject[]): object[] {
  const selectors = recordOf(role.aggregationRule)?.clusterRoleSelectors;
  const seen = new Set<string>();
  const rules: object[] = [];
  for (const selector of Array.isArray(selectors) ? (selectors as unknown[]) : []) {
    for (const other of all) {
      if (other.metadata.name === role.metadata.name) continue;
      if (!selectorMatches(recordOf(selector) ?? {}, other.metadata.labels)) continue;
      for (const rule of policyRules(other).map(ruleJson)) {
        const text = JSON.stringify(rule);
        if (!seen.has(text)) rules.push(rule);
        seen.add(text);
      }
    }
  }
  return rules;
}
