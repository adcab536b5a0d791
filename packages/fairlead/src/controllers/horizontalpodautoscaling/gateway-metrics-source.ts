import { type Ingress, type IngressBackend, ingresses } from '@fairlead/api';
import { type ApiClient, isNotFound } from '@fairlead/client';
import type { Clock } from '../../sys/clock.ts';
import { type MetricReading, type MetricsSource, noMetrics } from './metrics-source.ts';
import { type GatewayLoads, readGatewayLoads, type ServiceLoad } from './read-gateway-loads.ts';

/** What is told of Services and Ingresses. */
const GATEWAY_METRICS: readonly string[] = ['requests-per-second', 'requests-in-flight'];

/** A reading younger than this serves again. */
const freshMs = 2_000;
/** A rate is over this time, or less where less is known. */
const rateOverMs = 15_000;
/** Shorter times give no rate: one request more would be many per second. */
const rateLeastMs = 1_000;
/** Readings older than this are forgotten. */
const keptMs = 45_000;

/** Options of {@link gatewayMetricsSource}. */
export interface GatewayMetricsOptions {
  /** Every gateway through which requests come; the name is for messages. */
  readonly gateways: readonly { readonly name: string; read(): Promise<string> }[];
  readonly client: Pick<ApiClient, 'get'>;
  readonly clock: Clock;
}

interface Sample {
  readonly atMs: number;
  readonly gateways: readonly GatewayLoads[];
}

/**
 * Metrics of Services and Ingresses as the gateways count them, read when an autoscaler asks. Of an Ingress: of the
 * Services that it leads to, whichever way their requests took. All gateways must answer: the sum over some would
 * shrink what is busy.
 */
export function gatewayMetricsSource(options: GatewayMetricsOptions): MetricsSource {
  const readings = new Readings(options);
  const { client } = options;
  const backendsOf = async (namespace: string, kind: string, name: string): Promise<readonly string[] | string> => {
    if (kind === 'Service') return [name];
    if (kind !== 'Ingress') return `gateways know Services and Ingresses, no ${kind}`;
    try {
      return servicesOf(await client.get(ingresses, { namespace, name }));
    } catch (error) {
      if (isNotFound(error)) return `ingresses.networking.k8s.io "${name}" not found`;
      throw error;
    }
  };
  return {
    ...noMetrics,
    async object(namespace, { kind, name: object }, { name: metric }): Promise<MetricReading> {
      const failed = (why: string): MetricReading => ({
        ok: false,
        reason: `unable to get metric ${metric}: ${kind} on ${namespace} ${object}/${why}`,
      });
      if (!GATEWAY_METRICS.includes(metric)) {
        return failed(`no such metric; the gateways tell ${GATEWAY_METRICS.join(' and ')}`);
      }
      try {
        const services = await backendsOf(namespace, kind, object);
        if (typeof services === 'string') return failed(services);
        const keys = services.map((service) => `${namespace}/${service}`);
        const value = await (metric === 'requests-per-second' ? readings.rate(keys) : readings.inFlight(keys));
        return value === undefined ? failed('no gateway leads there') : { ok: true, value };
      } catch (error) {
        return failed((error as Error).message);
      }
    },
  };
}

/** The Services that an Ingress names, each once. */
function servicesOf({ spec }: Ingress): string[] {
  const backends: (IngressBackend | undefined)[] = [
    spec?.defaultBackend,
    ...(spec?.rules ?? []).flatMap((rule) => (rule.http?.paths ?? []).map(({ backend }) => backend)),
  ];
  return [...new Set(backends.flatMap((backend) => backend?.service?.name ?? []))];
}

/** What the gateways said lately. */
class Readings {
  readonly #options: GatewayMetricsOptions;
  #samples: Sample[] = [];
  #reading: Promise<Sample> | undefined;

  constructor(options: GatewayMetricsOptions) {
    this.#options = options;
  }

  /** Requests per second of Services, over at most {@link rateOverMs}; undefined where no gateway knows one of them. */
  async rate(services: readonly string[]): Promise<number | undefined> {
    const { clock } = this.#options;
    let now = await this.#sample();
    let before = this.#before(now);
    if (before === undefined) {
      await clock.sleep(rateLeastMs);
      now = await this.#read();
      before = this.#before(now);
    }
    if (before === undefined || !knows(now, services)) return undefined;
    let requests = 0;
    for (const [gateway, loads] of now.gateways.entries()) {
      for (const service of services) {
        for (const [port, { requests: count }] of loads.get(service) ?? []) {
          const old = before.gateways[gateway]?.get(service)?.get(port)?.requests ?? 0;
          // A gateway that has started again counts from 0.
          requests += count >= old ? count - old : count;
        }
      }
    }
    return requests / ((now.atMs - before.atMs) / 1000);
  }

  /** Requests under way, as the mean of the latest readings: one alone says little. */
  async inFlight(services: readonly string[]): Promise<number | undefined> {
    const now = await this.#sample();
    if (!knows(now, services)) return undefined;
    const recent = this.#samples.filter(({ atMs }) => now.atMs - atMs <= rateOverMs);
    const sum = recent.reduce((total, sample) => total + sumOf(sample, services, ({ inFlight }) => inFlight), 0);
    return sum / recent.length;
  }

  /** The sample to compare with: the youngest that is old enough, else the oldest that gives a rate at all. */
  #before(now: Sample): Sample | undefined {
    const age = ({ atMs }: Sample): number => now.atMs - atMs;
    return (
      this.#samples.findLast((sample) => age(sample) >= rateOverMs) ??
      this.#samples.find((sample) => age(sample) >= rateLeastMs)
    );
  }

  #sample(): Promise<Sample> {
    const last = this.#samples.at(-1);
    if (last !== undefined && this.#options.clock.monotonicMs() - last.atMs < freshMs) return Promise.resolve(last);
    return this.#read();
  }

  /** One reading of all gateways; who asks meanwhile waits for the same. */
  #read(): Promise<Sample> {
    this.#reading ??= this.#readAll().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readAll(): Promise<Sample> {
    const { clock, gateways } = this.#options;
    const texts = await Promise.all(
      gateways.map(async ({ name, read }) => {
        try {
          return await read();
        } catch (error) {
          throw new Error(`the gateway ${name} does not tell its metrics: ${(error as Error).message}`, {
            cause: error,
          });
        }
      }),
    );
    const atMs = clock.monotonicMs();
    const sample = { atMs, gateways: texts.map(readGatewayLoads) };
    this.#samples = [...this.#samples.filter((old) => atMs - old.atMs <= keptMs), sample];
    return sample;
  }
}

function knows({ gateways }: Sample, services: readonly string[]): boolean {
  return services.some((service) => gateways.some((loads) => loads.has(service)));
}

function sumOf({ gateways }: Sample, services: readonly string[], of: (load: ServiceLoad) => number): number {
  let sum = 0;
  for (const loads of gateways) {
    for (const service of services) for (const load of loads.get(service)?.values() ?? []) sum += of(load);
  }
  return sum;
}
