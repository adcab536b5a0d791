import type { Clock } from '../sys/clock.ts';
import { NETLINK_NETFILTER, openNetlinkGroup } from '../sys/netlink.ts';
import { openNftablesLibrary } from '../sys/nftables-library.ts';
import type { Log } from '../sys/role.ts';
import { stopAll } from '../sys/stop-all.ts';
import { nftNotificationGroup } from '../wire/nft/notification.ts';
import { readAffinityMemory } from './affinity-memory.ts';
import { createNftApplier } from './apply-nft.ts';
import { createUserspaceApplier, type UserspaceNotice } from './apply-userspace.ts';
import { createDirectReturn } from './direct-return/apply-direct.ts';
import type { PeerNodes } from './direct-return/peer-nodes.ts';
import { createHealthCheckPorts, type HealthCheckNotice } from './health-check-ports.ts';
import { HeldSetting } from './held-setting.ts';
import { createLocalhostPorts } from './localhost-ports.ts';
import { createNativeLoad } from './native-load.ts';
import { checkNft, createFastRunNft, createRunNft } from './nft-command.ts';
import type { NftLayoutOptions } from './nft-layout.ts';
import { nftSecondTableName, nftTableName } from './nft-names.ts';
import type { ProgramChanges } from './nft-planner.ts';
import { looseTrackingSetting } from './syn-proxy.ts';
import { startTableMonitor } from './table-monitor.ts';
import { UserspaceProxy } from './userspace/proxy.ts';
import { withUserspaceServices } from './userspace-services.ts';

/** A Service that the data plane could not install as asked. */
export type DataPlaneNotice =
  | UserspaceNotice
  | HealthCheckNotice
  | { readonly service: string; readonly reason: 'RefusedByKernel'; readonly message: string };

/** What installs programs. One call at a time. */
export interface DataPlane {
  /** Rejects when nothing more can be said than that it failed: then the next call installs everything. */
  apply(changes: ProgramChanges): Promise<void>;
  /** What is installed is not known any more: the next call installs everything. */
  forget(): void;
  /** Removes everything. */
  remove(): Promise<void>;
}

/** Options of {@link createDataPlane}. */
export interface DataPlaneOptions {
  readonly mode: 'kernel' | 'userspace';
  /** The part of the rules that does not depend on Services, as it is now. */
  readonly layout: () => NftLayoutOptions;
  /** Whether node ports are served. */
  readonly nodePorts: boolean;
  /** Userspace mode: where node ports listen. */
  readonly nodePortAddresses: readonly string[];
  /** Words to run nft, when they lead into another network namespace. */
  readonly nftCommand?: readonly string[];
  /** A family with so many endpoints is loaded without nft's text. */
  readonly nativeFrom?: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly onNotice: (notice: DataPlaneNotice) => void;
  /** Addresses of the node, as far as known now. */
  readonly nodeIps: () => readonly string[];
  /** Links over which clients of direct server return come. Default: found by the node's addresses. */
  readonly directLinks?: readonly string[];
  /** Network namespace of a Pod that this machine's agent made. */
  readonly podNamespaceOf?: (podIp: string) => string | undefined;
  /** All nodes, whose tunnels to Pods of this node are taken. */
  readonly peers: PeerNodes;
  /** Others changed what is installed. */
  readonly onForeignChange: () => void;
  /** Kernel mode: tracking takes TCP segments outside the window for valid. */
  readonly liberalTracking: boolean;
  /** Whether the proxy is up to date, for health check ports. */
  readonly healthy: () => boolean;
}

async function createKernelDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const command = options.nftCommand ?? ['nft'];
  await checkNft(command);
  // A command of the caller's own may lead into another namespace; this process's sockets cannot follow.
  const here = options.nftCommand === undefined;
  const library = here ? openNftablesLibrary() : undefined;
  const group = library === undefined ? -1 : openNetlinkGroup(NETLINK_NETFILTER, nftNotificationGroup);
  const { clock, log } = options;
  const monitor =
    typeof group === 'number'
      ? undefined
      : startTableMonitor({
          group,
          tables: [nftTableName, nftSecondTableName],
          clock,
          onForeignChange: (family) => {
            log('warn', 'Others changed the rules of Services; they will be installed again', {
              family,
            });
            options.onForeignChange();
          },
        });
  const runNftApart = createRunNft(command);
  const runNft = createFastRunNft(library, runNftApart);
  const direct = here
    ? createDirectReturn({
        // What is long comes in parts.
        runNft: (text) =>
          monitor === undefined || typeof text === 'string' ? runNft(text) : monitor.aside(() => runNft(text)),
        clock,
        log,
        nodeIps: options.nodeIps,
        peers: options.peers,
        ...(options.directLinks === undefined ? {} : { uplinks: options.directLinks }),
        ...(options.podNamespaceOf === undefined ? {} : { podNamespaceOf: options.podNamespaceOf }),
      })
    : undefined;
  const applier = createNftApplier({
    ...options.layout(),
    currentLayout: options.layout,
    runNft,
    runNftApart,
    clock,
    log,
    ...(monitor === undefined ? {} : { monitor }),
    ...(library === undefined ? {} : { readAffinity: readAffinityMemory, native: createNativeLoad() }),
    ...(options.nativeFrom === undefined ? {} : { nativeFrom: options.nativeFrom }),
    onRefused: (service, family, text) => {
      const message = `the kernel refuses the Service's ${family} rules, so it is not served as it stands: ${text}`;
      options.onNotice({ service, reason: 'RefusedByKernel', message });
    },
  });
  const plane: DataPlane = {
    apply: async (changes) => {
      // Translation first: it serves where packets cannot be sent directly.
      await applier.apply(changes);
      await direct?.apply(changes);
    },
    forget: () => {
      applier.forget();
      direct?.forget();
    },
    remove: () =>
      stopAll([() => direct?.remove(), () => applier.remove(), () => monitor?.stop(), () => library?.close()]),
  };
  const { onNotice, nodeIps } = options;
  return here ? withUserspaceServices(plane, { proxy: new UserspaceProxy({ clock, log }), nodeIps, onNotice }) : plane;
}

/**
 * A segment outside its connection's window is not translated: an endpoint's reaches the client under the endpoint's
 * own address, the client resets that, and the endpoint takes the reset for the connection's end (kubernetes#74839).
 */
const liberalTrackingSetting = '/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal';

/** Connection tracking is strict while the kernel answers handshakes of any Service, and liberal if the user wants it. */
function withTrackingSettings(plane: DataPlane, options: DataPlaneOptions): DataPlane {
  const loose = new HeldSetting(looseTrackingSetting, '0', options.log);
  const liberal = new HeldSetting(liberalTrackingSetting, '1', options.log);
  const users = new Set<string>();
  return {
    apply: async (changes) => {
      for (const [key, program] of changes) {
        if (program?.ports.some(({ synProxy }) => synProxy === true)) users.add(key);
        else users.delete(key);
      }
      if (users.size > 0) loose.hold(true);
      await plane.apply(changes);
      if (users.size === 0) loose.hold(false);
      // With the first rules, the kernel has connection tracking and its settings.
      liberal.hold(options.liberalTracking);
    },
    forget: plane.forget,
    remove: () => stopAll([() => plane.remove(), () => loose.hold(false), () => liberal.hold(false)]),
  };
}

/** What is beside the rules: ports on which this process listens itself. */
function withOwnPorts(plane: DataPlane, options: DataPlaneOptions): DataPlane {
  const { clock, log, onNotice, healthy } = options;
  const healthChecks = createHealthCheckPorts({ healthy, log, onNotice });
  const localhost = options.mode === 'kernel' ? createLocalhostPorts({ clock }) : undefined;
  return {
    apply: async (changes) => {
      try {
        await plane.apply(changes);
      } finally {
        // Their state is their own: they get every change once, whatever becomes of the rules.
        await localhost?.apply(changes);
        await healthChecks.apply(changes);
      }
    },
    forget: plane.forget,
    remove: () => stopAll([() => healthChecks.stop(), () => localhost?.stop(), () => plane.remove()]),
  };
}

/** The kernel or this process's own listeners. Rejects with `ServiceProxyError` when the kernel cannot be used. */
export async function createDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const { clock, log, nodePortAddresses, onNotice } = options;
  const plane =
    options.mode === 'kernel'
      ? await createKernelDataPlane(options).then((kernel) =>
          options.nftCommand === undefined ? withTrackingSettings(kernel, options) : kernel,
        )
      : {
          ...createUserspaceApplier({ clock, log, nodePortAddresses, onNotice }),
          forget: () => undefined,
        };
  // The rules of another namespace have no business with this one's ports.
  return options.nodePorts && options.nftCommand === undefined ? withOwnPorts(plane, options) : plane;
}
