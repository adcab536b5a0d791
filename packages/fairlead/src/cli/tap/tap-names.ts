import type { Pod, Service } from '@fairlead/api';

/** What addresses belong to, as the API has it now: Pods as `namespace/name`, Service ports as `namespace/name:port`. */
export class TapNames {
  readonly #pods = new Map<string, string>();
  /** By `protocol address port`. */
  readonly #services = new Map<string, string>();

  /** Takes the present Pods; those of the host's network have no address of their own. */
  setPods(pods: readonly Pod[]): void {
    this.#pods.clear();
    for (const { metadata, spec, status } of pods) {
      if (spec?.hostNetwork === true || status?.phase === 'Succeeded' || status?.phase === 'Failed') continue;
      for (const { ip } of status?.podIPs ?? []) this.#pods.set(ip ?? '', `${metadata?.namespace}/${metadata?.name}`);
    }
  }

  /** Takes the present Services: cluster IPs, load balancer and external addresses, and node ports at any address. */
  setServices(services: readonly Service[]): void {
    this.#services.clear();
    for (const { metadata, spec, status } of services) {
      const balanced = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
      const addresses = [...(spec?.clusterIPs ?? []), ...(spec?.externalIPs ?? []), ...balanced];
      for (const { port, nodePort, name, protocol = 'TCP' } of spec?.ports ?? []) {
        const text = `${metadata?.namespace}/${metadata?.name}:${name === undefined || name === '' ? port : name}`;
        for (const address of addresses) this.#services.set(`${protocol} ${address} ${port}`, text);
        if (nodePort !== undefined && nodePort !== 0) this.#services.set(`${protocol} * ${nodePort}`, text);
      }
    }
  }

  /** The Pod with an address; undefined when there is none. */
  pod(address: string): string | undefined {
    return this.#pods.get(address);
  }

  /** The Service port at an address; undefined when there is none. */
  service(protocol: string, { ip, port }: { readonly ip: string; readonly port: number }): string | undefined {
    return this.#services.get(`${protocol} ${ip} ${port}`) ?? this.#services.get(`${protocol} * ${port}`);
  }
}
