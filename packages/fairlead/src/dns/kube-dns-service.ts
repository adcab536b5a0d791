import { type EndpointSlice, endpointSlices, namespaces, type Service, services } from '@fairlead/api';
import { type ApiClient, isAlreadyExists, isConflict, isNotFound } from '@fairlead/client';
import type { Clock } from '../sys/clock.ts';
import type { Log, Running } from '../sys/role.ts';
import { addressFamily } from './owner-names.ts';

/** The Service that Pods find the DNS by, and this node's part of it. */
export interface KubeDnsOptions {
  readonly nodeName: string;
  /** Cluster IPs, one per family: by convention the tenth address of each service range. Empty: the API chooses. */
  readonly clusterIps: readonly string[];
  /** Node-local addresses of the server, one per family, the preferred one first. */
  readonly addresses: readonly string[];
  readonly port: number;
}

const namespace = 'kube-system';
const serviceName = 'kube-dns';
const manager = 'dns.fairlead';
/** Time to take the slice away on stop. */
const withdrawTimeoutMs = 1000;

/** Service `kube-system/kube-dns`: no selector, because the agents write its endpoints. */
export function kubeDnsService(options: KubeDnsOptions): Service {
  const port = (name: string, protocol: 'UDP' | 'TCP'): NonNullable<NonNullable<Service['spec']>['ports']>[number] => ({
    name,
    protocol,
    port: 53,
    targetPort: options.port,
  });
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: serviceName,
      namespace,
      labels: { 'k8s-app': 'kube-dns', 'kubernetes.io/name': 'CoreDNS', 'app.kubernetes.io/managed-by': 'fairlead' },
    },
    spec: {
      type: 'ClusterIP',
      ...clusterIpsOf(options.clusterIps),
      ports: [port('dns', 'UDP'), port('dns-tcp', 'TCP')],
    },
  };
}

function clusterIpsOf([first, ...more]: readonly string[]): NonNullable<Service['spec']> {
  if (first === undefined) return {};
  const policy = more.length === 0 ? {} : { ipFamilyPolicy: 'PreferDualStack' as const };
  return { clusterIP: first, clusterIPs: [first, ...more], ...policy };
}

/**
 * EndpointSlices with the node's own server, one per family: `kube-dns-NODE` of the preferred one, and
 * `kube-dns-NODE-ipv6` (or `-ipv4`) of the other.
 */
export function kubeDnsSlices(options: KubeDnsOptions): EndpointSlice[] {
  return options.addresses.map((address, index) => {
    const family = addressFamily(address) === 'AAAA' ? 'IPv6' : 'IPv4';
    const name = `${serviceName}-${options.nodeName}${index === 0 ? '' : `-${family.toLowerCase()}`}`;
    return kubeDnsSlice(options, name, address, family);
  });
}

function kubeDnsSlice(
  options: KubeDnsOptions,
  name: string,
  address: string,
  addressType: 'IPv4' | 'IPv6',
): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name,
      namespace,
      labels: { 'kubernetes.io/service-name': serviceName, 'endpointslice.kubernetes.io/managed-by': manager },
    },
    addressType,
    endpoints: [
      {
        addresses: [address],
        nodeName: options.nodeName,
        conditions: { ready: true, serving: true, terminating: false },
      },
    ],
    ports: [
      { name: 'dns', protocol: 'UDP', port: options.port },
      { name: 'dns-tcp', protocol: 'TCP', port: options.port },
    ],
  };
}

/** Keeps the Service and the slices in the API, and takes the slices away on stop. */
export class KubeDnsRegistration implements Running {
  /** Resolves once all these objects are there. */
  readonly registered: Promise<void>;
  readonly #client: ApiClient;
  readonly #options: KubeDnsOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #stopping: AbortController = new AbortController();
  #running: Promise<void>;

  constructor(client: ApiClient, options: KubeDnsOptions, clock: Clock, log: Log) {
    this.#client = client;
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
    this.#running = this.#ensureUntilDone();
    this.registered = this.#running;
  }

  /** Puts back what somebody has deleted or changed. Call it when one of these objects changes. */
  ensureAgain(): void {
    if (this.#stopping.signal.aborted) return;
    this.#running = this.#running.then(() => this.#ensureUntilDone());
  }

  /** `withdraws`: takes the slices away; a successor on the node keeps them. */
  async stop(withdraws = true): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    if (!withdraws) return;
    // An API that does not answer must not hold up the end of the node.
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.after(withdrawTimeoutMs, resolve);
      void this.#withdraw().finally(() => {
        cancel();
        resolve();
      });
    });
  }

  async #withdraw(): Promise<void> {
    await this.#running;
    await Promise.all(kubeDnsSlices(this.#options).map(({ metadata }) => this.#withdrawSlice(metadata?.name ?? '')));
  }

  async #withdrawSlice(name: string): Promise<void> {
    try {
      await this.#client.delete(endpointSlices, { name, namespace });
    } catch (error) {
      // The API is often gone first; the next start of this node takes the slice over.
      if (!isNotFound(error)) this.#log('debug', 'EndpointSlice of the DNS server stays', { name, error });
    }
  }

  async #ensureUntilDone(): Promise<void> {
    for (let delayMs = 100; !this.#stopping.signal.aborted; delayMs = Math.min(delayMs * 2, 5000)) {
      try {
        await this.#ensureService();
        for (const slice of kubeDnsSlices(this.#options)) await this.#ensureSlice(slice);
        return;
      } catch (error) {
        this.#log(delayMs > 1000 ? 'warn' : 'debug', 'Service kube-system/kube-dns not yet written', { error });
        await this.#clock.sleep(delayMs, this.#stopping.signal).catch(() => undefined);
      }
    }
  }

  /**
   * A Service that is there stays as it is, but for the ports: users may set its cluster IP and labels. One that was
   * made before the cluster had a second family gets it.
   */
  async #ensureService(): Promise<void> {
    const wanted = kubeDnsService(this.#options);
    try {
      const found = await this.#client.get(services, { name: serviceName, namespace });
      const hasPort = (name: string): boolean => found.spec?.ports?.some((port) => port.name === name) === true;
      const hasPorts = hasPort('dns') && hasPort('dns-tcp');
      const lacksFamily = lacksSecondFamily(found, wanted);
      if (hasPorts && !lacksFamily) return;
      const families = lacksFamily ? clusterIpsOf(this.#options.clusterIps) : {};
      const ports = hasPorts ? {} : { ports: wanted.spec?.ports };
      await this.#client.update(services, { ...found, spec: { ...found.spec, ...families, ...ports } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await this.#createService(wanted);
    }
  }

  async #createService(wanted: Service): Promise<void> {
    try {
      await this.#client.create(services, wanted);
    } catch (error) {
      if (isAlreadyExists(error)) return;
      if (!isNotFound(error)) throw error;
      await this.#client.create(namespaces, { metadata: { name: namespace } }).catch((failure: unknown) => {
        if (!isAlreadyExists(failure)) throw failure;
      });
      await this.#client.create(services, wanted);
    }
  }

  async #ensureSlice(wanted: EndpointSlice): Promise<void> {
    const name = wanted.metadata?.name ?? '';
    try {
      const found = await this.#client.get(endpointSlices, { name, namespace });
      if (isSameSlice(found, wanted)) return;
      if (found.addressType !== wanted.addressType) {
        // The address type cannot be changed.
        await this.#client.delete(endpointSlices, { name, namespace });
        await this.#client.create(endpointSlices, wanted);
        return;
      }
      const { resourceVersion } = found.metadata;
      await this.#client.update(endpointSlices, { ...wanted, metadata: { ...wanted.metadata, resourceVersion } });
    } catch (error) {
      if (!isNotFound(error))
        throw isConflict(error) ? new Error('the slice changed meanwhile', { cause: error }) : error;
      await this.#client.create(endpointSlices, wanted);
    }
  }
}

/** Whether a Service has the first of two wanted cluster IPs alone, because it was made when there was one family. */
function lacksSecondFamily(found: Service, wanted: Service): boolean {
  const had = found.spec?.clusterIPs ?? [];
  const want = wanted.spec?.clusterIPs ?? [];
  return had.length === 1 && want.length === 2 && had[0] === want[0];
}

function isSameSlice(found: EndpointSlice, wanted: EndpointSlice): boolean {
  const [endpoint] = found.endpoints ?? [];
  const label = 'kubernetes.io/service-name';
  return (
    found.addressType === wanted.addressType &&
    found.metadata?.labels?.[label] === wanted.metadata?.labels?.[label] &&
    found.endpoints?.length === 1 &&
    endpoint?.addresses[0] === wanted.endpoints[0]?.addresses[0] &&
    endpoint?.conditions?.ready !== false &&
    wanted.ports?.every((port) =>
      found.ports?.some((one) => one.name === port.name && one.port === port.port && one.protocol === port.protocol),
    ) === true
  );
}
