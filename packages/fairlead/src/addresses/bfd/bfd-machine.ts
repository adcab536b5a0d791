import { type BfdPacket, type BfdState, bfdDiagnostic } from '../../wire/bfd/bfd-packet.ts';

/** Checked configuration of a session. */
export interface BfdTimes {
  /** Packets are sent this often while the session is up, unless the peer wants fewer. */
  readonly transmitMs: number;
  /** The peer may send this often. */
  readonly receiveMs: number;
  /** The session is down after so many missing packets of ours, as the peer counts. 1..255. */
  readonly detectMultiplier: number;
}

/** The variables of RFC 5880 6.8.1, as far as asynchronous mode without echo and authentication needs them. */
export interface BfdVariables {
  readonly times: BfdTimes;
  readonly state: BfdState;
  readonly diagnostic: number;
  readonly localDiscriminator: number;
  /** 0: the peer has not been heard, or not for a detection time. */
  readonly remoteDiscriminator: number;
  readonly remoteState: BfdState;
  readonly remoteDemand: boolean;
  readonly remoteMinRxUs: number;
  readonly remoteMinTxUs: number;
  readonly remoteMultiplier: number;
  /** Packets ask for an answer until one comes: an interval has changed. */
  readonly polling: boolean;
}

/** Why a session changed. */
export type BfdCause = 'packet' | 'detection time expired' | 'peer signaled down' | 'peer is administratively down';

/** While a session is not up, nobody sends more often than this (RFC 5880 6.8.3). */
const slowUs = 1_000_000;

/** A session that nothing is known of yet. */
export function newBfdSession(times: BfdTimes, localDiscriminator: number): BfdVariables {
  return {
    times,
    state: 'Down',
    diagnostic: bfdDiagnostic.none,
    localDiscriminator,
    remoteDiscriminator: 0,
    remoteState: 'Down',
    remoteDemand: false,
    remoteMinRxUs: 1,
    remoteMinTxUs: 0,
    remoteMultiplier: 0,
    polling: false,
  };
}

function desiredMinTxUs({ state, times }: BfdVariables): number {
  const wanted = times.transmitMs * 1000;
  return state === 'Up' ? wanted : Math.max(wanted, slowUs);
}

/** Time between packets before chance shortens it; `undefined`: no periodic packets. */
export function transmitIntervalMs(session: BfdVariables): number | undefined {
  if (session.remoteMinRxUs === 0) return undefined;
  if (session.remoteDemand && session.state === 'Up' && session.remoteState === 'Up') return undefined;
  return Math.max(desiredMinTxUs(session), session.remoteMinRxUs) / 1000;
}

/**
 * An interval shortened by chance, so that systems do not send in step: 75 to 100 % of it, and at most 90 % when one
 * missing packet ends the session (RFC 5880 6.8.7). `chance` in [0, 1).
 */
export function jittered(intervalMs: number, { times }: BfdVariables, chance: number): number {
  const most = times.detectMultiplier === 1 ? 0.9 : 1;
  return intervalMs * (0.75 + (most - 0.75) * chance);
}

/** The session is down when nothing was heard for so long; `undefined`: nothing was heard ever. */
export function detectionTimeMs(session: BfdVariables): number | undefined {
  if (session.remoteMultiplier === 0) return undefined;
  return (session.remoteMultiplier * Math.max(session.times.receiveMs * 1000, session.remoteMinTxUs)) / 1000;
}

/** The packet to send now. */
export function packetOf(session: BfdVariables, final: boolean): BfdPacket {
  return {
    diagnostic: session.diagnostic,
    state: session.state,
    poll: session.polling && !final,
    final,
    controlPlaneIndependent: false,
    demand: false,
    detectMultiplier: session.times.detectMultiplier,
    myDiscriminator: session.localDiscriminator,
    yourDiscriminator: session.remoteDiscriminator,
    desiredMinTxUs: desiredMinTxUs(session),
    requiredMinRxUs: session.times.receiveMs * 1000,
    requiredMinEchoRxUs: 0,
  };
}

function down(session: BfdVariables, diagnostic: number): BfdVariables {
  return { ...session, state: 'Down', diagnostic, polling: false };
}

function nextState(session: BfdVariables, remote: BfdState): readonly [BfdVariables, BfdCause] {
  const { state } = session;
  if (remote === 'AdminDown') {
    if (state === 'Down') return [session, 'packet'];
    return [down(session, bfdDiagnostic.neighborSignaledDown), 'peer is administratively down'];
  }
  const becomes = (next: BfdState): readonly [BfdVariables, BfdCause] => [
    // The interval of a session that is up is shorter than before: the peer has to agree.
    { ...session, state: next, polling: next === 'Up', ...(next === 'Up' ? { diagnostic: bfdDiagnostic.none } : {}) },
    'packet',
  ];
  switch (state) {
    case 'AdminDown':
      return [session, 'packet'];
    case 'Down':
      if (remote === 'Down') return becomes('Init');
      return remote === 'Init' ? becomes('Up') : [session, 'packet'];
    case 'Init':
      return remote === 'Down' ? [session, 'packet'] : becomes('Up');
    case 'Up':
      if (remote !== 'Down') return [session, 'packet'];
      return [down(session, bfdDiagnostic.neighborSignaledDown), 'peer signaled down'];
  }
}

/** What a packet of the peer makes of the session (RFC 5880 6.8.6). Pure. */
export function receiveBfd(
  session: BfdVariables,
  packet: BfdPacket,
): { readonly session: BfdVariables; readonly cause: BfdCause } {
  if (session.state === 'AdminDown') return { session, cause: 'packet' };
  const heard: BfdVariables = {
    ...session,
    remoteDiscriminator: packet.myDiscriminator,
    remoteState: packet.state,
    remoteDemand: packet.demand,
    remoteMinRxUs: packet.requiredMinRxUs,
    remoteMinTxUs: packet.desiredMinTxUs,
    remoteMultiplier: packet.detectMultiplier,
    polling: session.polling && !packet.final,
  };
  const [next, cause] = nextState(heard, packet.state);
  return { session: next, cause };
}

/** The detection time has passed without a packet (RFC 5880 6.8.4). Pure. */
export function expireBfd(session: BfdVariables): BfdVariables {
  const silent: BfdVariables = {
    ...session,
    remoteDiscriminator: 0,
    remoteState: 'Down',
    remoteDemand: false,
    remoteMinRxUs: 1,
    remoteMultiplier: 0,
  };
  const wasAlive = session.state === 'Init' || session.state === 'Up';
  return wasAlive ? down(silent, bfdDiagnostic.detectionTimeExpired) : silent;
}

/** The session is given up on purpose: the peer is told, and must not take it for a failure. Pure. */
export function closeBfd(session: BfdVariables): BfdVariables {
  return { ...session, state: 'AdminDown', diagnostic: bfdDiagnostic.administrativelyDown, polling: false };
}
