import type { Clock } from '../sys/clock.ts';
import type { Log } from '../sys/role.ts';
import type { ConntrackFlow, DeletedFlows, ProgramChange } from './conntrack.ts';
import { allPorts, type ServiceProgram } from './program.ts';
import { placeKey, ServiceFrontends, verdictsOf } from './service-frontends.ts';

/** What a {@link DrainSchedule} needs. */
export interface DrainScheduleOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Addresses at which node ports are reached. */
  readonly nodeIps: () => readonly string[];
  /** Ends the connections of which `isOver` is true. */
  readonly deleteFlows: (
    isOver: (flow: ConntrackFlow) => boolean,
    before: () => Promise<void>,
  ) => Promise<DeletedFlows>;
  /** Called with those of them for which the kernel answers handshakes, before they end. */
  readonly endingUnheard: (flows: readonly ConntrackFlow[]) => Promise<void>;
}

interface DrainingService {
  program: ServiceProgram;
  gone: boolean;
  /** When endpoints ceased to get new connections. */
  readonly leftAtMs: Map<string, number>;
  /** Endpoints that left before we looked: connections to them are given the whole time from here. */
  unknownSinceMs: number | undefined;
}

const protocols = ['TCP', 'UDP', 'SCTP'] as const;

function placesOf(program: ServiceProgram | undefined): Set<string> {
  const places = new Set<string>();
  for (const port of program === undefined ? [] : allPorts(program)) {
    for (const verdict of verdictsOf(port)) {
      if (verdict.kind === 'balance') for (const target of verdict.endpoints) places.add(placeKey(target));
    }
  }
  return places;
}

/**
 * Ends connections to endpoints some time after these ceased to get new ones.
 *
 * By default the kernel lets them go on for ever, which is what makes a rolling
 * update graceful; `fairlead.dev/drain-seconds` bounds it. The entry is deleted from
 * connection tracking: the client's next packet meets another endpoint, which resets
 * the connection.
 */
export class DrainSchedule {
  readonly #options: DrainScheduleOptions;
  readonly #services = new Map<string, DrainingService>();
  #cancel: (() => void) | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: DrainScheduleOptions) {
    this.#options = options;
  }

  /** Follows installed programs, by Service key. */
  update(changes: Iterable<readonly [string, ProgramChange]>): void {
    const now = this.#options.clock.monotonicMs();
    for (const [key, { before, after }] of changes) {
      // A deleted Service's connections are bounded as they were while it was there.
      const program = after ?? before;
      if (program?.drainSeconds === undefined) {
        this.#services.delete(key);
        continue;
      }
      const known = this.#services.get(key);
      const service: DrainingService = known ?? {
        program,
        gone: false,
        leftAtMs: new Map(),
        unknownSinceMs: now,
      };
      service.program = program;
      service.gone = after === undefined;
      const serving = placesOf(after);
      for (const place of placesOf(before)) if (!serving.has(place)) service.leftAtMs.set(place, now);
      for (const place of serving) service.leftAtMs.delete(place);
      this.#services.set(key, service);
    }
    this.#schedule();
  }

  /** Resolves when no deletion is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#running;
  }

  async #tell(unheard: readonly ConntrackFlow[]): Promise<void> {
    if (unheard.length === 0) return;
    await this.#options.endingUnheard(unheard).catch((error: unknown) => {
      this.#options.log('warn', 'Clients of ended connections will meet silence', { error: String(error) });
    });
  }

  #schedule(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#stopped) return;
    let earliest = Number.POSITIVE_INFINITY;
    for (const { program, leftAtMs, unknownSinceMs } of this.#services.values()) {
      const since = Math.min(unknownSinceMs ?? Number.POSITIVE_INFINITY, ...leftAtMs.values());
      earliest = Math.min(earliest, since + (program.drainSeconds ?? 0) * 1000);
    }
    if (earliest === Number.POSITIVE_INFINITY) return;
    const { clock } = this.#options;
    this.#cancel = clock.after(Math.max(0, earliest - clock.monotonicMs()), () => {
      this.#cancel = undefined;
      this.#running = this.#running.then(() => this.#endDue()).finally(() => this.#schedule());
    });
  }

  async #endDue(): Promise<void> {
    const { clock, log } = this.#options;
    const now = clock.monotonicMs();
    const due = [...this.#services].filter(([, { program, leftAtMs, unknownSinceMs }]) => {
      const until = now - (program.drainSeconds ?? 0) * 1000;
      return (unknownSinceMs ?? Number.POSITIVE_INFINITY) <= until || [...leftAtMs.values()].some((at) => at <= until);
    });
    const checks = due.map(([, service]) => {
      const frontends = new ServiceFrontends(protocols, this.#options.nodeIps());
      frontends.add(service.program, service.gone);
      return { frontends, ...service, untilMs: now - (service.program.drainSeconds ?? 0) * 1000 };
    });
    const unheard: ConntrackFlow[] = [];
    const isOver = (flow: ConntrackFlow): boolean => {
      const check = checks.find(({ frontends, leftAtMs, unknownSinceMs, untilMs }) => {
        if (frontends.isServed(flow) !== false) return false;
        const { ip, port } = flow.replySource;
        const leftAt = leftAtMs.get(placeKey({ ip, port })) ?? leftAtMs.get(placeKey({ ip, port: 0 }));
        return (leftAt ?? unknownSinceMs ?? Number.POSITIVE_INFINITY) <= untilMs;
      });
      if (flow.protocol === 'TCP' && check?.program.ports.some(({ synProxy }) => synProxy === true)) unheard.push(flow);
      return check !== undefined;
    };
    const { deleted, errno } = await this.#options.deleteFlows(isOver, () => this.#tell(unheard));
    if (errno < 0) log('warn', 'Connections to removed endpoints cannot be ended: no access to tracking', { errno });
    else if (deleted > 0) log('info', 'Connections to removed endpoints were ended', { deleted });
    for (const [key, service] of due) {
      const untilMs = now - (service.program.drainSeconds ?? 0) * 1000;
      for (const [place, at] of service.leftAtMs) if (at <= untilMs) service.leftAtMs.delete(place);
      if ((service.unknownSinceMs ?? Number.POSITIVE_INFINITY) <= untilMs) service.unknownSinceMs = undefined;
      const over = service.leftAtMs.size === 0 && service.unknownSinceMs === undefined;
      if (service.gone && over) this.#services.delete(key);
    }
  }
}
