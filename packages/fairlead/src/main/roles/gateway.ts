import type { ConnectionLimits } from '../../gateway/connection-gate.ts';
import { GatewayError } from '../../gateway/gateway-error.ts';
import type { ProxyTimes } from '../../gateway/proxy-core.ts';
import { type GatewayOptions, startGateway } from '../../gateway/start.ts';
import type { UnderscoreRule } from '../../gateway/underscore-fields.ts';
import type { RouteListener } from '../../routing/route-table.ts';
import { startRouting } from '../../routing/start.ts';
import { systemClock, systemRandom } from '../../sys/clock.ts';
import { collectWhenIdle } from '../../sys/idle-collection.ts';
import type { Log } from '../../sys/role.ts';
import type { ApiAccess } from '../api-access-settings.ts';
import { containerMemoryBound } from '../gateway-client-settings.ts';
import type { GatewayLogOptions } from '../gateway-log-settings.ts';
import type { GatewayRelay } from '../gateway-settings.ts';
import type { GatewayTlsOptions } from '../gateway-tls-settings.ts';
import type { GatewayTraceOptions } from '../gateway-trace-settings.ts';
import { FatalError, type RunningRole } from '../role-process.ts';
import { formatListenAddress, type ListenAddress } from '../settings.ts';
import { startAccessLog } from './gateway-access-log.ts';
import { followAddresses, publishedAddresses } from './gateway-addresses.ts';
import { type GatewayAdminOptions, startGatewayAdmin } from './gateway-admin.ts';
import { followDefaultCertificate, shareSecrets } from './gateway-secrets.ts';
import { startTraces } from './gateway-traces.ts';
import { followZone } from './gateway-zone.ts';
import { readAccess, roleClient } from './role-client.ts';

/** Checked options of the gateway role. */
export interface GatewayRoleOptions extends ApiAccess {
  readonly gatewayHttp: ListenAddress;
  readonly gatewayHttps: ListenAddress;
  readonly workers: number;
  /** Empty: that of {@link node}, or unknown. */
  readonly zone: string;
  /** Name of the Node that it runs on; undefined: none, or nobody says. */
  readonly node?: string;
  /** Keeps the default certificate and the ticket keys over restarts. */
  readonly secretsFile?: string;
  /** Listeners that relay to a Service port. */
  readonly relays: readonly GatewayRelay[];
  /** CIDRs of proxies whose connections begin with a PROXY protocol header. */
  readonly proxyProtocolFrom: readonly string[];
  /** Whose word about clients counts. */
  readonly trust: Pick<GatewayOptions, 'trustedProxies' | 'trustedHops' | 'clientField'>;
  /** Port that clients reach HTTPS at; undefined: that of {@link gatewayHttps}. */
  readonly httpsPublicPort: number | undefined;
  readonly limits: Partial<ConnectionLimits>;
  readonly times: Partial<ProxyTimes>;
  readonly underscoreFields: UnderscoreRule;
  /** Also HTTP/3 at the port of {@link gatewayHttps}. */
  readonly http3: boolean;
  /** Undefined: there is none. */
  readonly accessLog: GatewayLogOptions | undefined;
  readonly tls: GatewayTlsOptions;
  /** Undefined: nothing is traced. */
  readonly traces: GatewayTraceOptions | undefined;
  readonly admin: GatewayAdminOptions;
}

/** Of the main thread, which works on changes only; the workers see to theirs. */
const youngGenerationBytes = 16 * 1024 * 1024;

/** How long requests in flight may take when the gateway stops. */
const drainMs = 1_500;

/** What the user can do about a listener that cannot be opened, in one line. */
function listenFailure(error: unknown, options: GatewayRoleOptions): unknown {
  if (!(error instanceof GatewayError)) return error;
  const reasons: Partial<Record<GatewayError['code'], string>> = {
    'port-in-use': 'the port is in use',
    'not-permitted': 'ports below 1024 need root',
    'address-unavailable': 'not an address of this machine',
  };
  const where =
    error.listener === 'https'
      ? `--gateway-https ${formatListenAddress(options.gatewayHttps)}`
      : error.listener !== 'http'
        ? `--gateway-${error.listener?.replace('-', ' port ')}`
        : `--gateway-http ${formatListenAddress(options.gatewayHttp)}`;
  return new FatalError(`${where}: ${reasons[error.code] ?? error.message}`, { cause: error });
}

/** `fairlead gateway`: routes from the API to the L7 workers. */
export async function startGatewayRole(options: GatewayRoleOptions, log: Log): Promise<RunningRole> {
  const client = roleClient(readAccess(options), log);
  const listeners: RouteListener[] = [
    { name: 'http', protocol: 'http', address: options.gatewayHttp.host, port: options.gatewayHttp.port },
    {
      name: 'https',
      protocol: 'https',
      address: options.gatewayHttps.host,
      port: options.gatewayHttps.port,
      http3: options.http3,
      ...(options.httpsPublicPort === undefined ? {} : { publicPort: options.httpsPublicPort }),
    },
  ];
  const { relays, workers, zone, proxyProtocolFrom, trust, limits, times, underscoreFields, http3 } = options;
  for (const { protocol, listen, services } of relays) {
    listeners.push({ name: `${protocol}-${listen.port}`, protocol, address: listen.host, port: listen.port, services });
  }
  const secrets = options.secretsFile === undefined ? {} : { secretsFile: options.secretsFile };
  const accessLog = await startAccessLog(options.accessLog, log);
  const traces = await startTraces(options.traces, log);
  const gateway = await startGateway({
    ...secrets,
    ...options.tls,
    ...(traces === undefined ? {} : { tracing: { ...options.traces!, take: (spans) => traces.add(spans) } }),
    ...(accessLog === undefined ? {} : { accessLog: accessLog.write, accessLogRules: options.accessLog!.rules }),
    workers,
    zone,
    proxyProtocolFrom,
    ...trust,
    limits: { memoryMaxBytes: containerMemoryBound(), ...limits },
    times,
    underscoreFields,
    http3,
    clock: systemClock,
    log,
  });
  const access = { client, clock: systemClock, random: systemRandom, log };
  const { defaultCertificateSecret, sharedSecrets } = options.tls;
  const following = [
    ...(sharedSecrets === undefined ? [] : [shareSecrets(access, sharedSecrets, gateway)]),
    ...(defaultCertificateSecret === undefined
      ? []
      : [followDefaultCertificate(access, defaultCertificateSecret, gateway)]),
  ];
  const applied = Promise.withResolvers<void>();
  let hasApplied = false;
  const routing = await startRouting({
    client,
    listeners,
    ingressClass: 'fairlead',
    addresses: publishedAddresses(options.gatewayHttp),
    clock: systemClock,
    log,
    async onDiff(diff) {
      try {
        await gateway.applyRoutes(diff);
        hasApplied = true;
        applied.resolve();
      } catch (error) {
        if (hasApplied) throw error;
        // The role ends with it: there is nothing to try again, or to log besides.
        applied.reject(error);
      }
    },
  });
  try {
    await applied.promise;
  } catch (error) {
    await Promise.all(following.map((part) => part.stop()));
    await routing.stop();
    await gateway.stop({ drainMs: 0 });
    throw listenFailure(error, options);
  }
  const admin = await startGatewayAdmin(options.admin, gateway, traces, log);
  const zoneOfNode =
    zone === '' && options.node !== undefined
      ? followZone({ client, clock: systemClock, log }, options.node, (found) => gateway.setZone(found))
      : undefined;
  const endFollowing = followAddresses(options.gatewayHttp, systemClock, (found) => routing.setAddresses(found));
  const stopCollecting = collectWhenIdle(systemClock, youngGenerationBytes);
  return {
    facts: {
      http: formatListenAddress(options.gatewayHttp),
      https: formatListenAddress(options.gatewayHttps),
    },
    async stop() {
      stopCollecting();
      endFollowing();
      await Promise.all([zoneOfNode, ...following].map((part) => part?.stop()));
      await routing.stop();
      await gateway.stop({ drainMs });
      await Promise.all([accessLog?.stop(), traces?.stop()]);
      await admin.stop();
      await client.close();
    },
  };
}
