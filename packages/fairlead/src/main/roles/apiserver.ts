import { mkdirSync, readFileSync } from 'node:fs';
import { ApiError } from '@fairlead/client';
import { ApiServerError } from '../../apiserver/api-server-error.ts';
import type { AuditOptions } from '../../apiserver/audit/audit-log.ts';
import { defaultAuditPolicy, readAuditPolicy } from '../../apiserver/audit/audit-policy.ts';
import { type ApiServerOptions, type RunningApiServer, startApiServer } from '../../apiserver/start.ts';
import type { Datastore } from '../../apiserver/storage/open-storage.ts';
import { systemClock, systemRandom } from '../../sys/clock.ts';
import { cleanYoungGenerationAlone } from '../../sys/heap.ts';
import { collectWhenIdle } from '../../sys/idle-collection.ts';
import type { Log } from '../../sys/role.ts';
import type { AuditSettings } from '../audit-settings.ts';
import type { ClusterOptions } from '../cluster-options.ts';
import { FatalError, type RunningRole, StoppedWhileStarting } from '../role-process.ts';
import { formatListenAddress, type ListenAddress } from '../settings.ts';

/** Four times what a burst of writes makes between two collections: more costs memory, and saves no time. */
const youngGenerationBytes = 8 * 1024 * 1024;

/** Checked options of the API server role. */
export interface ApiServerRoleOptions extends ClusterOptions {
  readonly dataDir: string;
  readonly apiListen: ListenAddress;
  readonly kubeconfig: string;
  readonly datastore: Datastore;
  readonly compactEveryMs: number;
  /** Absent: no audit log. */
  readonly audit?: AuditSettings;
  /** An address of this machine that Pods can reach; absent: the listen address. */
  readonly advertiseAddress?: string;
  /** File with the token for the nodes' log servers. */
  readonly logTokenFile?: string;
  /** Nodes whose agents get a kubeconfig from the control child. */
  readonly agents: readonly string[];
  /** Also one for the agent of this machine, which is no node. */
  readonly edgeAgent: boolean;
  /** Of the control child: where its autoscalers find the gateway's metrics. */
  readonly gatewayMetrics: readonly string[];
}

/** Starts the API server; turns its start errors into one clear line. `signal` ends the wait for the store. */
export async function startApi(
  options: ApiServerRoleOptions,
  log: Log,
  signal: AbortSignal,
  machinePool?: readonly string[],
): Promise<RunningApiServer> {
  const { apiListen, advertiseAddress } = options;
  const listen = [apiListen];
  const everywhere = apiListen.host === '0.0.0.0' || apiListen.host === '::';
  if (advertiseAddress !== undefined && !everywhere && advertiseAddress !== apiListen.host) {
    listen.push({ host: advertiseAddress, port: apiListen.port });
  }
  const serverOptions: ApiServerOptions = {
    dataDir: options.dataDir,
    datastore: options.datastore,
    signal,
    listen,
    advertiseAddress: advertiseAddress ?? (everywhere ? '127.0.0.1' : apiListen.host),
    advertisePort: apiListen.port,
    kubeconfigFile: options.kubeconfig,
    serviceCidr: options.serviceCidr,
    nodePortRange: `${options.nodePortRange.from}-${options.nodePortRange.to}`,
    clusterDomain: options.clusterDomain,
    compactEveryMs: options.compactEveryMs,
    ...(options.audit === undefined ? {} : { audit: auditOptions(options.audit) }),
    ...(machinePool === undefined ? {} : { machinePool }),
    clock: systemClock,
    random: systemRandom,
    log,
    logToken: options.logTokenFile === undefined ? '' : readFileSync(options.logTokenFile, 'utf8').trim(),
  };
  try {
    mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
    cleanYoungGenerationAlone();
    const stopCollecting = collectWhenIdle(systemClock, youngGenerationBytes);
    const server = await startApiServer(serverOptions).catch((error: unknown) => {
      stopCollecting();
      throw error;
    });
    return {
      ...server,
      stop() {
        stopCollecting();
        return server.stop();
      },
    };
  } catch (error) {
    // What every server has must be stored before it can serve.
    if (error instanceof ApiError && error.code === 507) {
      throw new FatalError(`API server: ${error.message}: ${options.dataDir}`, { cause: error });
    }
    if (!(error instanceof ApiServerError)) throw error;
    if (signal.aborted && error.code === 'Closed') throw new StoppedWhileStarting();
    const where = `--api-listen ${formatListenAddress(apiListen)}`;
    const inUse = error.code === 'AddressInUse' ? `${where}: the port is in use` : undefined;
    throw new FatalError(inUse ?? `API server: ${error.message}`, { cause: error });
  }
}

/** `fairlead apiserver`: the API alone. */
export async function startApiServerRole(
  options: ApiServerRoleOptions,
  log: Log,
  signal: AbortSignal,
): Promise<RunningRole> {
  const server = await startApi(options, log, signal);
  return { facts: { url: server.url, kubeconfig: options.kubeconfig }, stop: () => server.stop() };
}

/** A policy with mistakes stops the start: a log that silently lacks events is worse than none. */
function auditOptions({ file, policyFile, maxSizeMb, backups, maxAgeDays }: AuditSettings): AuditOptions {
  const parsed = policyFile === undefined ? undefined : readAuditPolicy(policyFile);
  if (parsed?.ok === false) throw new FatalError(`--audit-policy-file ${parsed.problems.join('; ')}`);
  return {
    file,
    policy: parsed?.policy ?? defaultAuditPolicy,
    rotation: {
      maxBytes: maxSizeMb === 'unlimited' ? maxSizeMb : maxSizeMb * 1024 * 1024,
      backups,
      maxAgeMs: maxAgeDays === 'unlimited' ? maxAgeDays : maxAgeDays * 86_400_000,
    },
  };
}
