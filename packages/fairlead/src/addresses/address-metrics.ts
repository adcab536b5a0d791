import type { MetricRegistry } from '../telemetry/metrics.ts';

/** What is counted of announced addresses. */
export interface AddressMetrics {
  /** Addresses that this node answers for, and takes part in the election for. */
  layer2(held: number, candidates: number): void;
  /** Growth since the last call. */
  frames(received: number, answered: number, sent: number): void;
  tookOver(): void;
  conflict(): void;
  /** The server denied the right to a Lease. */
  refused(): void;
  session(peer: string, established: boolean, routes: number): void;
  /** Whether the link to a peer that is watched is alive. */
  bfd(peer: string, up: boolean): void;
  forgetSession(peer: string): void;
  sessionFailed(peer: string): void;
}

/** Registers the metrics of announcements. */
export function registerAddressMetrics(registry: MetricRegistry): AddressMetrics {
  const gauge = (name: string, help: string, labels: readonly string[] = []) =>
    registry.gauge({ name: `fairlead_addresses_${name}`, help, labels });
  const counter = (name: string, help: string, labels: readonly string[] = []) =>
    registry.counter({ name: `fairlead_addresses_${name}_total`, help, labels });
  const held = gauge('layer2_held', 'Addresses that this node answers for');
  const candidates = gauge('layer2_candidates', 'Addresses that this node may answer for');
  const frames = counter('layer2_frames', 'ARP and neighbour discovery frames', ['kind']);
  const takeovers = counter('layer2_takeovers', 'Addresses that this node has taken');
  const conflicts = counter('layer2_conflicts', 'Claims of other hosts to addresses held here');
  const refusals = counter('layer2_refusals', 'Leases that this node had no right to write');
  const up = gauge('bgp_session_up', 'Whether the session with a peer is established', ['peer']);
  const bfd = gauge('bfd_session_up', 'Whether BFD finds the link to a peer alive', ['peer']);
  const routes = gauge('bgp_routes_announced', 'Routes announced to a peer', ['peer']);
  const failures = counter('bgp_session_failures', 'Sessions that ended or could not be established', ['peer']);
  return {
    layer2: (heldNow, candidatesNow) => {
      held.set(heldNow);
      candidates.set(candidatesNow);
    },
    frames: (received, answered, sent) => {
      frames.add(received, 'received');
      frames.add(answered, 'answered');
      frames.add(sent, 'sent');
    },
    tookOver: () => takeovers.add(1),
    conflict: () => conflicts.add(1),
    refused: () => refusals.add(1),
    session: (peer, established, count) => {
      up.set(established ? 1 : 0, peer);
      routes.set(count, peer);
    },
    bfd: (peer, alive) => bfd.set(alive ? 1 : 0, peer),
    forgetSession: (peer) => {
      bfd.remove(peer);
      up.remove(peer);
      routes.remove(peer);
    },
    sessionFailed: (peer) => failures.add(1, peer),
  };
}
