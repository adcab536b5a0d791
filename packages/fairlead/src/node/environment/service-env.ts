import type { Service } from '@fairlead/api';

/**
 * Service environment variables (Docker-link style) of the Services that a Pod can see.
 *
 * Per Service: `WEB_SERVICE_HOST`, `WEB_SERVICE_PORT`, `WEB_SERVICE_PORT_<NAME>`, `WEB_PORT`, and per port
 * `WEB_PORT_80_TCP` with `_PROTO`, `_PORT` and `_ADDR`. Services without a cluster IP have none.
 */
export function serviceEnvironment(services: Iterable<Service>): Record<string, string> {
  const env: Record<string, string> = {};
  for (const service of services) {
    const address = service.spec?.clusterIP ?? '';
    const ports = service.spec?.ports ?? [];
    const first = ports[0];
    if (address === '' || address === 'None' || service.spec?.type === 'ExternalName' || first === undefined) continue;
    const prefix = variableName(service.metadata?.name ?? '');
    const host = address.includes(':') ? `[${address}]` : address;
    env[`${prefix}_SERVICE_HOST`] = address;
    env[`${prefix}_SERVICE_PORT`] = String(first.port);
    env[`${prefix}_PORT`] = `${(first.protocol ?? 'TCP').toLowerCase()}://${host}:${first.port}`;
    for (const port of ports) {
      const protocol = port.protocol ?? 'TCP';
      if (port.name !== undefined && port.name !== '') {
        env[`${prefix}_SERVICE_PORT_${variableName(port.name)}`] = String(port.port);
      }
      const link = `${prefix}_PORT_${port.port}_${protocol}`;
      env[link] = `${protocol.toLowerCase()}://${host}:${port.port}`;
      env[`${link}_PROTO`] = protocol.toLowerCase();
      env[`${link}_PORT`] = String(port.port);
      env[`${link}_ADDR`] = address;
    }
  }
  return env;
}

function variableName(name: string): string {
  return name.toUpperCase().replaceAll('-', '_').replaceAll('.', '_');
}

/**
 * Services whose variables go into a Pod: `default/kubernetes` always, those of its own namespace
 * unless `enableServiceLinks` is false. Its own namespace wins over `default` for that name.
 */
export function visibleServices<S extends Service>(services: Iterable<S>, namespace: string, links: boolean): S[] {
  const visible: S[] = [];
  let master: S | undefined;
  for (const service of services) {
    const { namespace: from, name } = service.metadata ?? {};
    if (from === 'default' && name === 'kubernetes') master = service;
    else if (links && from === namespace) visible.push(service);
  }
  visible.sort((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1));
  return master === undefined ? visible : [master, ...visible];
}
