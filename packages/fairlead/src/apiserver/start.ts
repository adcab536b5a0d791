import { hostname } from 'node:os';
import { join } from 'node:path';
import { formatCidr, parseCidr } from '@fairlead/api';
import type { ApiClient } from '@fairlead/client';
import type { Clock, Random } from '../sys/clock.ts';
import { systemRandom } from '../sys/clock.ts';
import type { Log, Running } from '../sys/role.ts';
import { Admission } from './admission/admission.ts';
import { PolicyStatus } from './admission/policy-status.ts';
import type { RunningAggregation } from './aggregation/start-aggregation.ts';
import { repairClaims, repairRegularly } from './allocation/repair-claims.ts';
import { ServiceAllocator } from './allocation/service-allocator.ts';
import { ApiServerError } from './api-server-error.ts';
import { AuditLog, type AuditOptions } from './audit/audit-log.ts';
import { apiAudiences, serviceAccountTokens } from './auth/token-authenticator.ts';
import { TokenIssuer } from './auth/token-issuer.ts';
import { fillTokenSecrets } from './auth/token-secrets.ts';
import { Authorizer } from './authorization/authorizer.ts';
import { ensureDefaultRoles } from './authorization/ensure-default-roles.ts';
import { RoleAggregation } from './authorization/role-aggregation.ts';
import { ensureBootstrapObjects } from './bootstrap/bootstrap.ts';
import { ensureOwnKinds } from './bootstrap/own-kinds.ts';
import { settle } from './bootstrap/settle.ts';
import { signCertificates } from './certificates/certificate-signer.ts';
import { InProcessClient } from './client/in-process-client.ts';
import { DefinitionRegistry, type DeleteObject } from './crd/definition-registry.ts';
import { Discovery } from './discovery/discovery.ts';
import { Health } from './discovery/health.ts';
import { Fairness, type FairnessOptions } from './fairness/fairness.ts';
import { FlowControl } from './fairness/flow-control.ts';
import { CertificateAuthority } from './pki/certificate-authority.ts';
import { readIfPresent, tokenKey } from './pki/data-key.ts';
import { kubeconfigJson, writeKubeconfig } from './pki/kubeconfig.ts';
import { shareKeys } from './pki/shared-keys.ts';
import { builtInResources } from './resources/served-resources.ts';
import { expireEvents } from './rest/event-expiry.ts';
import type { RestContext } from './rest/rest-context.ts';
import { Subresources } from './rest/subresources.ts';
import { Reviews } from './reviews/reviews.ts';
import { authenticatedGroup, mastersGroup, type UserInfo } from './server/api-request.ts';
import { staticTokens } from './server/authenticate.ts';
import { type ListenAddress, Listener } from './server/listener.ts';
import { Pipeline } from './server/pipeline.ts';
import { type Datastore, openStorage } from './storage/open-storage.ts';
import { ObjectCache } from './watch/object-cache.ts';

/** What the API server needs to know; complete and checked by the caller. */
export interface ApiServerOptions {
  /** Holds the keys, and the data file unless told otherwise. */
  readonly dataDir: string;
  /** Absent: the file `state.db` in the data directory. */
  readonly datastore?: Datastore;
  /** Ends the wait for an etcd that is not there yet. */
  readonly signal?: AbortSignal;
  /** The first is the public one and must exist; others are bound when they appear. */
  readonly listen: readonly ListenAddress[];
  /** Address of the endpoints of `default/kubernetes`. */
  readonly advertiseAddress: string;
  /** Port of those endpoints; 0: the port of the first listen address. */
  readonly advertisePort: number;
  /** Where to write the administrator's kubeconfig; absent: `admin.kubeconfig` in the data directory. */
  readonly kubeconfigFile?: string;
  /** Cluster IPs: `10.96.0.0/16`, or one range of each family: `10.96.0.0/16,fd00:96::/108`. The first is the default. */
  readonly serviceCidr: string;
  /** `30000-32767`. */
  readonly nodePortRange: string;
  /** `cluster.local`. */
  readonly clusterDomain: string;
  readonly clock: Clock;
  readonly random?: Random;
  readonly log: Log;
  /** How often history is dropped; what is older than one period goes. Milliseconds. */
  readonly compactEveryMs: number;
  /** Secret shared with the nodes' log servers. */
  readonly logToken: string;
  /** Which requests to write where; absent: none. */
  readonly audit?: AuditOptions;
  /** Requests in work at the same time; absent: as many as a Kubernetes server takes. */
  readonly fairness?: FairnessOptions;
  /** Ranges of the AddressPool made at first start; absent: none is made. */
  readonly machinePool?: readonly string[];
  /** Further bearer tokens and their users. */
  readonly tokens?: ReadonlyMap<string, UserInfo>;
}

/** A running API server. */
export interface RunningApiServer extends Running {
  /** The public port. */
  readonly port: number;
  readonly kubeconfigFile: string;
  /** The certificate authority, PEM. */
  readonly ca: string;
  /** `https://host:port` of the first listen address. */
  readonly url: string;
  /** Kubeconfig text with a new client certificate; `server` defaults to {@link url}. */
  issueClientConfig(name: string, groups: readonly string[], server?: string): Promise<string>;
  /** Resolves once extension servers know whom to believe, which a start does not wait for. */
  readonly settled: Promise<void>;
  /** An administrator's client without sockets; `userAgent` (default `fairlead`) owns the fields it writes. */
  client(userAgent?: string): ApiClient;
}

const afterReadyMs = 100;
const administrator: UserInfo = { name: 'admin', groups: [mastersGroup, authenticatedGroup] };
const internalUser: UserInfo = { name: 'system:fairlead', groups: [mastersGroup, authenticatedGroup] };

/** Starts the API server; rejects with an {@link ApiServerError} whose message is one line. */
export async function startApiServer(options: ApiServerOptions): Promise<RunningApiServer> {
  const { clock, log, dataDir } = options;
  const random = options.random ?? systemRandom;
  const datastore = options.datastore ?? { kind: 'sqlite', file: join(dataDir, 'state.db') };
  const storage = await openStorage(datastore, {
    clock,
    random,
    log,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const cleanUp: (() => Promise<void> | void)[] = [() => storage.close()];
  try {
    const served = builtInResources();
    const cache = await ObjectCache.load(storage);
    cleanUp.unshift(() => cache.close());
    const allocator = new ServiceAllocator(options.serviceCidr, options.nodePortRange, cache, clock, random);
    const base: Omit<RestContext, 'admission'> = {
      storage,
      cache,
      served,
      allocator,
      authorizer: new Authorizer(cache, served),
      loopbackEndpoints: options.serviceCidr.startsWith('127.'),
      clock,
      random,
    };
    const context = withAdmission(base);
    // Several servers may share the store; then they share their keys, too.
    const shared = storage.agree !== undefined;
    if (storage.agree !== undefined) await shareKeys(storage.agree.bind(storage), join(dataDir, 'pki'), clock);
    await repairClaims(context);
    cleanUp.unshift(repairRegularly(context, log));
    const tokenKeyFile = join(dataDir, 'pki', 'tokens.key');
    const issuer = new TokenIssuer(async () => tokenKey(tokenKeyFile), clock);
    if (readIfPresent(tokenKeyFile) !== undefined) await issuer.load();
    const fairness = new Fairness(clock, options.fairness);
    const health = new Health(cache, storage, () => fairness.metrics());
    const subresources = new Subresources(context, issuer, options.logToken);
    cleanUp.unshift(() => subresources.close());
    const tokens = [staticTokens(options.tokens ?? new Map()), serviceAccountTokens(context, issuer)];
    const audit = auditLog(options);
    if (audit !== undefined) cleanUp.push(() => audit.close());
    const reviews = new Reviews(context, context.authorizer, tokens, issuer);
    const discovery = new Discovery(served);
    const pipeline = new Pipeline(context, discovery, health, subresources, issuer, reviews, { fairness, audit }, log);
    const authority = CertificateAuthority.open(join(dataDir, 'pki'), clock);
    const definitions = new DefinitionRegistry(context, deleteCustomObject(pipeline), log);
    cleanUp.unshift(() => definitions.close());
    const policies = new PolicyStatus(context);
    cleanUp.unshift(() => policies.close());
    const serving = authority.pair('server', {
      commonName: 'fairlead-apiserver',
      organizations: [],
      hosts: servingHosts(options, allocator.ranges.firstAddresses),
    });
    const admin = authority.pair('admin', { commonName: administrator.name, organizations: [mastersGroup] });
    const listener = new Listener({
      certificate: serving.certificate,
      key: serving.key,
      ca: authority.certificate,
      tokens,
      audiences: apiAudiences,
      pipeline,
      clock,
      log,
    });
    cleanUp.unshift(() => listener.stop());
    const [first, ...others] = options.listen;
    const port = await listener.bind(first!);
    for (const address of others) {
      listener.bindWhenPresent({ host: address.host, port: address.port === 0 ? port : address.port });
    }
    const url = `https://${urlHost(first!.host)}:${port}`;
    const internal = new InProcessClient(pipeline, internalUser, 'kube-apiserver');
    const ownPort = options.advertisePort === 0 ? port : options.advertisePort;
    const bootstrap = {
      serviceCidrs: options.serviceCidr.split(',').map(canonicalCidr),
      firstServiceAddress: allocator.ranges.firstAddresses[0]!,
      advertiseAddress: options.advertiseAddress,
      advertisePort: ownPort,
      shared,
    };
    await settle(clock, () => ensureBootstrapObjects(internal, bootstrap));
    await Promise.all([
      settle(clock, () => ensureDefaultRoles(internal, cache, served)),
      settle(clock, () => ensureOwnKinds(internal, () => definitions.settled(), options.machinePool)),
    ]);
    const aggregation = new RoleAggregation(internal, cache, served, log);
    cleanUp.unshift(() => aggregation.stop());
    await aggregation.settle();
    if (shared) {
      const { publishServerAddress } = await import('./bootstrap/server-addresses.ts');
      const addresses = await publishServerAddress({
        client: internal,
        clock,
        log,
        address: options.advertiseAddress,
        port: ownPort,
      });
      cleanUp.unshift(() => addresses.stop());
    }
    const flowControl = new FlowControl(context, fairness, log);
    cleanUp.unshift(() => flowControl.close());
    health.ready = true;
    const later = afterReady(clock, () => {
      flowControl.start();
      return aggregate(context, internal, pipeline, discovery, options, authority.certificate);
    });
    cleanUp.unshift(() => later.stop());
    const kubeconfigFile = options.kubeconfigFile ?? join(dataDir, 'admin.kubeconfig');
    writeKubeconfig({
      file: kubeconfigFile,
      server: url,
      ca: authority.certificate,
      cert: admin.certificate,
      key: admin.key,
      name: 'fairlead',
      user: administrator.name,
    });
    cleanUp.unshift(expireEvents(context, clock, log));
    cleanUp.unshift(signCertificates(context, internal, authority, log));
    cleanUp.unshift(fillTokenSecrets(context, issuer, internal, authority.certificate, log));
    const stopCompaction = compactRegularly(context, options.compactEveryMs, log);
    const clients = new Set<InProcessClient>();
    let stopped: Promise<void> | undefined;
    return {
      port,
      kubeconfigFile,
      ca: authority.certificate,
      url,
      settled: later.started,
      async issueClientConfig(name, groups, server) {
        const pair = authority.issue({ commonName: name, organizations: groups });
        return kubeconfigJson({
          server: server ?? url,
          ca: authority.certificate,
          cert: pair.certificate,
          key: pair.key,
          name: 'fairlead',
          user: name,
        });
      },
      client(userAgent = 'fairlead') {
        const client = new InProcessClient(pipeline, internalUser, userAgent);
        clients.add(client);
        return client;
      },
      stop() {
        stopped ??= (async () => {
          health.ready = false;
          stopCompaction();
          for (const client of clients) await client.close();
          for (const step of cleanUp) await step();
        })();
        return stopped;
      },
    };
  } catch (error) {
    for (const step of cleanUp) await step();
    throw error;
  }
}

/** Starts what a start does not wait for, a moment after it: whoever waits for the server gets the processor first. */
function afterReady(
  clock: Clock,
  start: () => Promise<RunningAggregation | undefined>,
): { readonly started: Promise<void>; stop(): Promise<void> } {
  const { promise: started, resolve } = Promise.withResolvers<void>();
  let running: Promise<RunningAggregation | undefined> | undefined;
  const cancel = clock.after(afterReadyMs, () => {
    running = start();
    void running.then(() => resolve());
  });
  return {
    started,
    async stop() {
      cancel();
      await (await running)?.stop();
      resolve();
    },
  };
}

/** Follows APIServices; not needed to be ready, so that a start does not wait for it. */
async function aggregate(
  context: RestContext,
  client: InProcessClient,
  pipeline: Pipeline,
  discovery: Discovery,
  { dataDir, log }: ApiServerOptions,
  authority: string,
): Promise<RunningAggregation | undefined> {
  try {
    const { startAggregation } = await import('./aggregation/start-aggregation.ts');
    const running = await startAggregation(context, client, dataDir, authority, log);
    pipeline.extensions = running.servers;
    discovery.remote = running.servers;
    return running;
  } catch (error) {
    log('error', 'APIServices are not followed', { error: String(error) });
    return undefined;
  }
}

/** Admission looks at the same state as everything else. */
function withAdmission(base: Omit<RestContext, 'admission'>): RestContext {
  const context = { ...base } as { -readonly [Key in keyof RestContext]: RestContext[Key] };
  context.admission = new Admission(context);
  return context;
}

/** Deletes an object of a definition that goes away, as any client would. */
function deleteCustomObject(pipeline: Pipeline): DeleteObject {
  const client = new InProcessClient(pipeline, internalUser, 'kube-apiserver');
  return async (resource, { metadata }) => {
    const { name = '', namespace = '' } = metadata;
    const scope = namespace === '' ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
    await client.request(
      'DELETE',
      `/apis/${resource.apiVersion}${scope}/${resource.plural}/${encodeURIComponent(name)}`,
    );
  };
}

function auditLog({ audit, clock, log }: ApiServerOptions): AuditLog | undefined {
  if (audit === undefined) return undefined;
  const onError = (error: Error): void => log('error', 'audit log failed', { file: audit.file, error: error.message });
  try {
    return new AuditLog(audit, clock, onError);
  } catch (error) {
    throw new ApiServerError('DataUnwritable', `audit log ${audit.file}: ${(error as Error).message}`, error);
  }
}

/** `10.96.0.0/16` for `10.96.7.1/16`. */
function canonicalCidr(text: string): string {
  const cidr = parseCidr(text.trim());
  return cidr === undefined ? text : formatCidr(cidr);
}

/** Names and addresses clients may use for this server. */
function servingHosts(options: ApiServerOptions, firstServiceAddresses: readonly string[]): string[] {
  const domain = options.clusterDomain;
  const hosts = new Set([
    'localhost',
    '127.0.0.1',
    '::1',
    hostname().toLowerCase(),
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    `kubernetes.default.svc.${domain}`,
    ...firstServiceAddresses,
    options.advertiseAddress,
  ]);
  for (const { host } of options.listen) if (host !== '0.0.0.0' && host !== '::') hosts.add(host);
  return [...hosts];
}

function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

/** Drops history that is older than one period; the first round only takes a mark. */
function compactRegularly(context: RestContext, everyMs: number, log: Log): () => void {
  let mark = context.storage.revision;
  let cancel: () => void = () => {};
  const round = (): void => {
    cancel = context.clock.after(everyMs, () => {
      const revision = mark;
      mark = context.storage.revision;
      context.storage.compact(revision).then(
        () => context.cache.compact(revision),
        (error: unknown) => log('warn', 'compaction failed', { error: String(error) }),
      );
      round();
    });
  };
  round();
  return () => cancel();
}
