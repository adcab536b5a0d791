/** A port that the echo server listens on. */
export interface EchoPort {
  readonly port: number;
  /** `http` also speaks HTTP/2 with prior knowledge, WebSocket and gRPC. */
  readonly serve: 'http' | 'https' | 'tcp' | 'udp';
}

/** The echo server's options, complete. */
export interface EchoSettings {
  readonly ports: readonly EchoPort[];
  readonly bind: string | undefined;
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
}

const DEFAULT_PORT = 8080;

/**
 * Reads flags and environment. Ports come from `--port`, `--tls-port`, `--tcp`, `--udp`; without any of them from
 * `PORT`; without that from `FAIRLEAD_PORTS` (`NAME:PORT/PROTOCOL,…`, the container's declared ports); at last 8080.
 */
export function readEchoSettings(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): EchoSettings | { readonly error: string } {
  const ports: EchoPort[] = [];
  const texts = new Map<string, string>();
  const portFlags: Readonly<Record<string, EchoPort['serve']>> = {
    '--port': 'http',
    '--tls-port': 'https',
    '--tcp': 'tcp',
    '--udp': 'udp',
  };
  for (let at = 0; at < args.length; at++) {
    const [flag = '', inline] = args[at]!.split(/=(.*)/s, 2);
    const value = inline ?? args[++at];
    if (value === undefined) return { error: `${flag} needs a value` };
    const serve = portFlags[flag];
    if (serve !== undefined) {
      const port = Number(value);
      if (!(Number.isInteger(port) && port >= 0 && port <= 65535)) return { error: `${flag} ${value} is not a port` };
      ports.push({ port, serve });
    } else if (['--name', '--version', '--bind', '--tls-cert', '--tls-key'].includes(flag)) {
      texts.set(flag, value);
    } else {
      return { error: `unknown flag ${flag}` };
    }
  }
  if (!ports.some((port) => port.serve === 'http') && env.PORT !== undefined && env.PORT !== '') {
    ports.push({ port: Number(env.PORT), serve: 'http' });
  }
  if (ports.length === 0) ports.push(...declaredPorts(env.FAIRLEAD_PORTS ?? ''));
  if (ports.length === 0) ports.push({ port: DEFAULT_PORT, serve: 'http' });
  return {
    ports,
    bind: texts.get('--bind') ?? env.FAIRLEAD_BIND_ADDRESS,
    name: texts.get('--name'),
    version: texts.get('--version'),
    tlsCert: texts.get('--tls-cert') ?? env.TLS_SERVER_CERT,
    tlsKey: texts.get('--tls-key') ?? env.TLS_SERVER_PRIVKEY,
  };
}

/** A declared TCP port speaks HTTP unless its name begins with `tcp`; a UDP port echoes datagrams. */
function declaredPorts(text: string): EchoPort[] {
  const ports: EchoPort[] = [];
  for (const part of text.split(',')) {
    const match = /^([^:]*):(\d+)\/(TCP|UDP)$/.exec(part);
    if (match === null) continue;
    const [, name, port, protocol] = match as unknown as [string, string, string, string];
    const serve = protocol === 'UDP' ? 'udp' : name.startsWith('tcp') ? 'tcp' : 'http';
    ports.push({ port: Number(port), serve });
  }
  return ports;
}
