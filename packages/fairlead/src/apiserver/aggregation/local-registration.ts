import type { Log } from '../../sys/role.ts';
import { type SeededObject, seedObject } from '../bootstrap/seed-objects.ts';
import type { GroupVersionPriority, ServedResource } from '../resources/served-resources.ts';
import { type RestContext, timestamp } from '../rest/rest-context.ts';
import { ChangeTurns } from '../watch/change-turns.ts';
import type { StoredObject } from '../watch/stored-object.ts';
import { localServiceStatus } from './local-service.ts';

/** Says that the server made an APIService: for good, or while a definition declares its group version. */
const managedLabel = 'kube-aggregator.kubernetes.io/automanaged';

/**
 * Keeps one APIService for each group version that this server serves: the built-in ones, and those of definitions,
 * which go with them. One that somebody else made for the same group version stays as it is.
 */
export class LocalRegistration {
  readonly #context: RestContext;
  readonly #resource: ServedResource;
  readonly #unsubscribe: readonly (() => void)[];
  readonly #turns: ChangeTurns;

  constructor(context: RestContext, log: Log) {
    this.#context = context;
    this.#turns = new ChangeTurns(
      () => this.#turn(),
      (error) => log('warn', 'APIServices cannot be written', { error: String(error) }),
    );
    this.#resource = context.served.find('apiregistration.k8s.io', 'v1', 'apiservices')!;
    const receive = ({ deleted }: { readonly deleted: boolean }): void => {
      if (deleted) this.#turns.schedule();
    };
    const services = context.cache.resource(this.#resource.prefix);
    this.#unsubscribe = [
      services.subscribe({ namespace: '', name: undefined, receive }),
      context.served.onChange(() => this.#turns.schedule()),
    ];
    this.#turns.schedule();
  }

  /** Resolves when no write is under way. */
  async close(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await this.#turns.close();
  }

  async #turn(): Promise<void> {
    const writes = registrationWrites(this.#context, this.#resource);
    // A conflict means that another server was faster.
    await Promise.all(writes.map((write) => this.#context.storage.commit(write)));
  }
}

/** What has to be stored and removed so that the APIServices of this server's group versions are there. */
function registrationWrites(context: RestContext, resource: ServedResource): SeededObject[] {
  const stored = context.cache.resource(resource.prefix).list('');
  const present = new Set(stored.map(({ object }) => object.metadata.name));
  const core: GroupVersionPriority = { group: '', version: 'v1', groupPriority: 18_000, versionPriority: 1 };
  // This group itself has no APIService: without it there would be none to say who serves it.
  const wanted = [core, ...context.served.priorities].filter(({ group }) => group !== resource.group);
  const names = new Set(wanted.map(nameOf));
  const made = wanted
    .filter((one) => !present.has(nameOf(one)))
    .map(({ group, version, groupPriority, versionPriority }) => {
      const metadata = {
        name: `${version}.${group}`,
        creationTimestamp: timestamp(context.clock),
        labels: { [managedLabel]: context.served.isCustomGroup(group) ? 'true' : 'onstart' },
      };
      const spec = {
        ...(group === '' ? {} : { group }),
        version,
        groupPriorityMinimum: groupPriority,
        versionPriority,
      };
      return seedObject(context, resource, { metadata, spec, status: localServiceStatus({ metadata }) });
    });
  const gone = stored
    .filter(({ object }) => isManaged(object.metadata.labels) && !names.has(object.metadata.name ?? ''))
    .map(({ key, modRevision }: StoredObject) => ({ key, expect: modRevision, value: undefined }));
  return [...made, ...gone];
}

function nameOf({ group, version }: GroupVersionPriority): string {
  return `${version}.${group}`;
}

function isManaged(labels: Readonly<Record<string, string>> | undefined): boolean {
  return labels?.[managedLabel] === 'true';
}
