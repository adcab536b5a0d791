import { isDeepStrictEqual } from 'node:util';
import type { Log } from '../../sys/role.ts';
import type { RemoteGroups, RemoteGroupVersion } from '../discovery/remote-groups.ts';
import type { ServedResource } from '../resources/served-resources.ts';
import { type RestContext, timestamp } from '../rest/rest-context.ts';
import { sameJson } from '../rest/strategy.ts';
import type { ApiAnswer, ApiRequest } from '../server/api-request.ts';
import { placeOfService, type ServicePlace } from '../server/service-endpoint.ts';
import { ChangeTurns } from '../watch/change-turns.ts';
import { recordOf } from '../watch/kube-object.ts';
import { type StoredObject, storedValue } from '../watch/stored-object.ts';
import type { RequestProxy } from './proxy-request.ts';
import { openApiHashIn, openApiIn, resourcesInAggregated, resourcesInList } from './read-discovery.ts';
import { type RemoteService, remoteServiceOf } from './remote-service.ts';

const checkEveryMs = 30_000;
const checkTimeoutMs = 5_000;
const documentMaxBytes = 8 * 1024 * 1024;
const aggregatedAccept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';

/** What is known of one remote group version. */
interface RemoteState {
  readonly remote: RemoteService;
  readonly available: boolean;
  readonly resources: readonly object[];
  readonly openApiHash?: string;
  readonly openApi?: object;
}

/** Why a group version cannot be used, as its condition tells. */
type Check = {
  readonly reason: string;
  readonly message: string;
  readonly state?: Pick<RemoteState, 'resources' | 'openApiHash' | 'openApi'>;
};

const serviceUnavailable: ApiAnswer = {
  status: 503,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
  body: 'service unavailable\n',
};

/**
 * The group versions that APIServices give to other servers: checks whether they can be reached, writes their
 * condition Available, tells discovery of them, and passes their requests on.
 */
export class ExtensionServers implements RemoteGroups {
  readonly #context: RestContext;
  readonly #proxy: RequestProxy;
  readonly #resource: ServedResource;
  #states: ReadonlyMap<string, RemoteState> = new Map();
  #generation = 0;
  readonly #unsubscribe: (() => void)[] = [];
  readonly #closing = new AbortController();
  #cancelTimer: () => void = () => {};
  readonly #turns: ChangeTurns;

  constructor(context: RestContext, proxy: RequestProxy, log: Log) {
    this.#context = context;
    this.#proxy = proxy;
    this.#turns = new ChangeTurns(
      () => this.#turn(),
      (error) => log('warn', 'extension servers cannot be followed', { error: String(error) }),
    );
    this.#resource = context.served.find('apiregistration.k8s.io', 'v1', 'apiservices')!;
    const follow = (group: string, plural: string, concerns: (name: string, namespace: string) => boolean): void => {
      const { prefix } = context.served.find(group, 'v1', plural)!;
      const receive = ({ current }: { readonly current: StoredObject }): void => {
        const { name = '', namespace = '', labels } = current.object.metadata;
        if (concerns(labels?.['kubernetes.io/service-name'] ?? name, namespace)) this.#turns.schedule();
      };
      this.#unsubscribe.push(context.cache.resource(prefix).subscribe({ namespace: '', name: undefined, receive }));
    };
    const isOurs = (name: string, namespace: string): boolean =>
      [...this.#states.values()].some(
        ({ remote: { service } }) => service.name === name && service.namespace === namespace,
      );
    follow('apiregistration.k8s.io', 'apiservices', () => true);
    follow('', 'services', isOurs);
    follow('discovery.k8s.io', 'endpointslices', isOurs);
    this.#turns.schedule();
  }

  get generation(): number {
    return this.#generation;
  }

  get groupVersions(): readonly RemoteGroupVersion[] {
    return [...this.#states.values()].map(({ remote, available, resources, openApiHash, openApi }) => ({
      group: remote.group,
      version: remote.version,
      groupPriority: remote.groupPriority,
      versionPriority: remote.versionPriority,
      resources,
      fresh: available,
      ...(openApiHash === undefined ? {} : { openApiHash }),
      ...(openApi === undefined ? {} : { openApi }),
    }));
  }

  /** The answer of another server to a request for one of its paths; `undefined` for a path of this server. */
  answer(request: ApiRequest): Promise<ApiAnswer> | ApiAnswer | undefined {
    if (this.#states.size === 0) return undefined;
    const state = this.#states.get(groupVersionOf(request.path));
    if (state === undefined) return undefined;
    const place = state.available ? this.#placeOf(state.remote) : undefined;
    if (place === undefined || !place.ok) return serviceUnavailable;
    return this.#proxy.forward({ remote: state.remote, host: place.host, port: place.port }, request);
  }

  /** True for paths that {@link answer} passes on. */
  owns(path: string): boolean {
    return this.#states.size > 0 && this.#states.has(groupVersionOf(path));
  }

  /** Resolves when no check is under way. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#cancelTimer();
    await this.#turns.close();
    this.#proxy.close();
  }

  #placeOf({ service }: RemoteService): ServicePlace {
    return placeOfService(this.#context, service.namespace, service.name, service.port);
  }

  /** While there are extension servers, another turn comes after a while. */
  async #turn(): Promise<void> {
    try {
      await this.#checkAll();
    } finally {
      this.#cancelTimer();
      if (this.#states.size > 0 && !this.#closing.signal.aborted) {
        this.#cancelTimer = this.#context.clock.after(checkEveryMs, () => this.#turns.schedule());
      }
    }
  }

  async #checkAll(): Promise<void> {
    const wanted = this.#context.cache
      .resource(this.#resource.prefix)
      .list('')
      .flatMap((stored) => {
        const remote = remoteServiceOf(stored.object);
        return remote === undefined || stored.object.metadata.deletionTimestamp !== undefined
          ? []
          : [{ stored, remote }];
      });
    // What is new is owned at once: until it has been checked, it is unavailable and not somebody else's.
    this.#replace(
      wanted.map(({ remote }) => this.#states.get(keyOf(remote)) ?? { remote, available: false, resources: [] }),
    );
    const states = await Promise.all(
      wanted.map(async ({ stored, remote }) => {
        const before = this.#states.get(keyOf(remote));
        const check = await this.#check(remote, before);
        await this.#tell(stored, check);
        const known = check.state ?? { resources: before?.resources ?? [], ...openApiOf(before) };
        return { remote, available: check.state !== undefined, ...known };
      }),
    );
    this.#replace(states);
  }

  #replace(states: readonly RemoteState[]): void {
    const next = new Map(states.map((state) => [keyOf(state.remote), state]));
    if (isDeepStrictEqual(next, this.#states)) return;
    this.#states = next;
    this.#generation++;
  }

  async #check(remote: RemoteService, before: RemoteState | undefined): Promise<Check> {
    const { service, group, version } = remote;
    const place = this.#placeOf(remote);
    if (!place.ok) return { reason: place.reason, message: obstacleText(remote, place) };
    const timeout = new AbortController();
    const cancel = this.#context.clock.after(checkTimeoutMs, () => timeout.abort());
    const signal = AbortSignal.any([timeout.signal, this.#closing.signal]);
    const target = { remote, host: place.host, port: place.port };
    const path = `/apis/${group}/${version}`;
    const shown = `https://${place.host}:${place.port}${path}`;
    const get = (at: string, accept: string) => this.#proxy.read(target, at, accept, signal, documentMaxBytes);
    const read = async (at: string, accept: string): Promise<{ status: number; body: unknown }> => {
      const { status, text } = await get(at, accept);
      return { status, body: status === 200 ? parsed(text) : undefined };
    };
    try {
      const list = await read(path, 'application/json');
      if (list.status < 200 || list.status > 299) {
        return failed(`failing or missing response from ${shown}: bad status from ${shown}: ${list.status}`);
      }
      const aggregated = await read('/apis', aggregatedAccept);
      const index = await read('/openapi/v3', 'application/json');
      const resources = resourcesInAggregated(aggregated.body, remote) ?? resourcesInList(list.body, remote);
      const openApiHash = openApiHashIn(index.body, remote);
      // Without a hash nobody can tell whether it is still the same.
      const known = openApiHash !== undefined && openApiHash !== '' && openApiHash === before?.openApiHash;
      // Only old clients ask for the document of all: the server is none the less available without.
      const document =
        openApiHash === undefined || known
          ? undefined
          : await get(`/openapi/v3${path}`, 'application/json').catch(() => undefined);
      const openApi = known ? before.openApi : document?.status === 200 ? openApiIn(document.text) : undefined;
      const state = {
        resources,
        ...(openApiHash === undefined ? {} : { openApiHash }),
        ...(openApi === undefined ? {} : { openApi }),
      };
      return { reason: 'Passed', message: 'all checks passed', state };
    } catch (error) {
      const why = timeout.signal.aborted ? 'context deadline exceeded' : (error as Error).message;
      return failed(
        `failing or missing response from ${shown}: Get "${shown}": ${why} (${service.name}.${service.namespace}.svc)`,
      );
    } finally {
      cancel();
    }
  }

  /** Writes the condition Available, unless it says so already. */
  async #tell(stored: StoredObject, { reason, message, state }: Check): Promise<void> {
    const { object } = stored;
    const conditions = recordOf(object.status)?.conditions;
    const all = Array.isArray(conditions) ? (conditions as Record<string, unknown>[]) : [];
    const before = all.find(({ type }) => type === 'Available');
    const status = state === undefined ? 'False' : 'True';
    if (before?.status === status && before.reason === reason && before.message === message) return;
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : timestamp(this.#context.clock);
    const condition = { lastTransitionTime, message, reason, status, type: 'Available' };
    const next = {
      ...object,
      status: {
        ...recordOf(object.status),
        conditions: [...all.filter(({ type }) => type !== 'Available'), condition],
      },
    };
    if (sameJson(next, object)) return;
    // A conflict means a newer version, whose event brings us back here.
    await this.#context.storage.commit({
      key: stored.key,
      expect: stored.modRevision,
      value: storedValue(next),
      decoded: next,
    });
  }
}

function keyOf({ group, version }: RemoteService): string {
  return `${group}/${version}`;
}

function openApiOf(state: RemoteState | undefined): Pick<RemoteState, 'openApiHash' | 'openApi'> {
  if (state?.openApiHash === undefined) return {};
  const { openApiHash, openApi } = state;
  return openApi === undefined ? { openApiHash } : { openApiHash, openApi };
}

/** `example.com/v1` of `/apis/example.com/v1/things` and of the path of its OpenAPI document; else empty. */
function groupVersionOf(path: string): string {
  const at = path.startsWith('/openapi/v3/') ? '/openapi/v3'.length : 0;
  if (!path.startsWith('/apis/', at)) return '';
  const [group, version] = path.slice(at + '/apis/'.length).split('/', 2);
  return version === undefined ? '' : `${group}/${version}`;
}

function failed(message: string): Check {
  return { reason: 'FailedDiscoveryCheck', message };
}

function obstacleText({ service }: RemoteService, place: Extract<ServicePlace, { ok: false }>): string {
  const which = `service/${service.name} in ${JSON.stringify(service.namespace)}`;
  switch (place.reason) {
    case 'ServiceNotFound':
      return `${which} is not present`;
    case 'ServicePortError':
      return `${which} is not listening on port ${service.port}`;
    case 'EndpointsNotFound':
      return `cannot find endpointslices for ${which}`;
    case 'MissingEndpoints':
      return `endpointslices for ${which} have no addresses with port name ${JSON.stringify(place.portName)}`;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
