/** Counts of one Service port in one gateway. */
export interface ServiceLoad {
  /** Requests begun since the gateway knows it. */
  readonly requests: number;
  readonly inFlight: number;
}

/** Loads by `namespace/service`, then by port. */
export type GatewayLoads = ReadonlyMap<string, ReadonlyMap<string, ServiceLoad>>;

const families: Readonly<Record<string, keyof ServiceLoad>> = {
  fairlead_gateway_backend_requests_total: 'requests',
  fairlead_gateway_backend_requests_in_flight: 'inFlight',
};

/** Takes the loads of Services out of a gateway's metrics (Prometheus text); what it does not know is passed over. */
export function readGatewayLoads(text: string): GatewayLoads {
  const loads = new Map<string, Map<string, { requests: number; inFlight: number }>>();
  for (const line of text.split('\n')) {
    const [, family = '', labels = '', number = ''] = /^(\w+)\{([^}]*)\} (\S+)/.exec(line) ?? [];
    const field = families[family];
    if (field === undefined) continue;
    const label = new Map([...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name, value]));
    const value = Number(number);
    if (!Number.isFinite(value)) continue;
    const key = `${label.get('namespace')}/${label.get('service')}`;
    const ports = loads.get(key) ?? new Map<string, { requests: number; inFlight: number }>();
    loads.set(key, ports);
    const port = label.get('port') ?? '';
    const load = ports.get(port) ?? { requests: 0, inFlight: 0 };
    ports.set(port, load);
    load[field] = value;
  }
  return loads;
}
