import type { FlowSchemaSpec, PriorityLevelConfigurationSpec } from '@fairlead/api/types';
import type { Log } from '../../sys/role.ts';
import { type SeededObject, seedObject } from '../bootstrap/seed-objects.ts';
import type { ServedResource } from '../resources/served-resources.ts';
import { type RestContext, timestamp } from '../rest/rest-context.ts';
import { sameJson } from '../rest/strategy.ts';
import { ChangeTurns } from '../watch/change-turns.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { type StoredObject, storedValue } from '../watch/stored-object.ts';
import { type DefaultFlowObject, defaultFlowSchemas, defaultPriorityLevels } from './default-flows.ts';
import type { Fairness } from './fairness.ts';
import { compileFlowConfig, type FlowObject } from './flow-config.ts';
import { sameFlowSpec } from './mandatory-flows.ts';

const group = 'flowcontrol.apiserver.k8s.io';
const autoUpdate = 'apf.kubernetes.io/autoupdate-spec';

/**
 * Keeps the fairness of requests in step with the FlowSchemas and PriorityLevelConfigurations of the API: makes the
 * default ones, puts back what may not be changed, tells which schemas name a level that is not there.
 * Until {@link start} the defaults hold.
 */
export class FlowControl {
  readonly #context: RestContext;
  readonly #fairness: Fairness;
  readonly #schemas: ServedResource;
  readonly #levels: ServedResource;
  readonly #unsubscribe: (() => void)[] = [];
  readonly #turns: ChangeTurns;

  constructor(context: RestContext, fairness: Fairness, log: Log) {
    this.#context = context;
    this.#fairness = fairness;
    this.#turns = new ChangeTurns(
      () => this.#turn(),
      (error) => log('warn', 'flow control cannot be written', { error: String(error) }),
    );
    this.#schemas = context.served.find(group, 'v1', 'flowschemas')!;
    this.#levels = context.served.find(group, 'v1', 'prioritylevelconfigurations')!;
  }

  /** Makes what is missing and follows the objects from now on. */
  start(): void {
    const receive = (): void => this.#turns.schedule();
    for (const { prefix } of [this.#schemas, this.#levels]) {
      this.#unsubscribe.push(
        this.#context.cache.resource(prefix).subscribe({ namespace: '', name: undefined, receive }),
      );
    }
    this.#turns.schedule();
  }

  /** Resolves when no write is under way. */
  async close(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await this.#turns.close();
  }

  async #turn(): Promise<void> {
    const schemas = this.#list(this.#schemas);
    const levels = this.#list(this.#levels);
    const names = new Set([...levels.map(({ object }) => object.metadata.name ?? ''), ...defaultLevels]);
    const writes = [
      ...this.#restored(this.#levels, levels, defaultPriorityLevels, () => ({})),
      ...this.#restored(this.#schemas, schemas, defaultFlowSchemas, (object) =>
        this.#danglingStatus(object, names.has(levelName(object))),
      ),
    ];
    // Defaults that are about to be stored hold as they did: without them, all would be served as catch-all.
    if (writes.length === 0) {
      this.#fairness.configure(
        compileFlowConfig(
          schemas.map(({ object }) => flowObject<FlowSchemaSpec>(object)),
          levels.map(({ object }) => flowObject<PriorityLevelConfigurationSpec>(object)),
        ),
      );
    }
    const seen = new Set(writes.map(({ key }) => key));
    for (const stored of schemas) {
      if (seen.has(stored.key) || stored.object.metadata.deletionTimestamp !== undefined) continue;
      const status = this.#danglingStatus(stored.object, names.has(levelName(stored.object)));
      if (sameJson(status, stored.object.status)) continue;
      const next = { ...stored.object, status };
      writes.push({ key: stored.key, expect: stored.modRevision, value: storedValue(next), decoded: next });
    }
    // A conflict means a newer version, whose event brings us back here.
    await Promise.all(writes.map((write) => this.#context.storage.commit(write)));
  }

  #list({ prefix }: ServedResource): readonly StoredObject[] {
    return this.#context.cache.resource(prefix).list('');
  }

  /** Defaults that are missing, and those that say something else than they must. */
  #restored<Spec>(
    resource: ServedResource,
    stored: readonly StoredObject[],
    defaults: readonly DefaultFlowObject<Spec>[],
    status: (object: KubeObject) => object,
  ): SeededObject[] {
    const annotations = { [autoUpdate]: 'true' };
    return defaults.flatMap(({ name, spec, mandatory }) => {
      const present = stored.find(({ object }) => object.metadata.name === name);
      if (present === undefined) {
        const object: KubeObject = { metadata: { name, generation: 1, annotations }, spec };
        return [seedObject(this.#context, resource, { ...object, status: status(object) })];
      }
      const { object } = present;
      if (!follows(object, mandatory) || sameFlowSpec(object, name, spec)) return [];
      const metadata = { ...object.metadata, generation: (object.metadata.generation ?? 0) + 1 };
      const next = { ...object, metadata, spec };
      return [{ key: present.key, expect: present.modRevision, value: storedValue(next), decoded: next }];
    });
  }

  #danglingStatus(object: KubeObject, exists: boolean): object {
    const others = conditionsOf(object).filter(({ type }) => type !== 'Dangling');
    const before = conditionsOf(object).find(({ type }) => type === 'Dangling');
    const about = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(levelName(object))}`;
    const status = exists ? 'False' : 'True';
    const condition = {
      type: 'Dangling',
      status,
      lastTransitionTime: before?.status === status ? before.lastTransitionTime : timestamp(this.#context.clock),
      reason: exists ? 'Found' : 'NotFound',
      message: exists ? `${about} and it exists` : `${about} but there is no such object`,
    };
    return { ...recordOf(object.status), conditions: [...others, condition] };
  }
}

/** They are made when they are missing. */
const defaultLevels = defaultPriorityLevels.map(({ name }) => name);

function flowObject<Spec>({ metadata, spec }: KubeObject): FlowObject<Spec> {
  return { name: metadata.name ?? '', uid: metadata.uid ?? '', spec: spec as Spec };
}

function levelName(object: KubeObject): string {
  return String(recordOf(recordOf(object.spec)?.priorityLevelConfiguration)?.name ?? '');
}

function conditionsOf(object: KubeObject): readonly Record<string, unknown>[] {
  const conditions = recordOf(object.status)?.conditions;
  return Array.isArray(conditions) ? (conditions as Record<string, unknown>[]) : [];
}

/** Without the annotation, a default follows while nobody has changed it. */
function follows({ metadata }: KubeObject, mandatory: boolean): boolean {
  const said = metadata.annotations?.[autoUpdate];
  return mandatory || (said === undefined ? metadata.generation === 1 : said === 'true');
}
