import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/** Where ports are looked for: above what programs listen at by custom, below the node ports of Services. */
const firstPort = 10_240;
const lastPort = 29_999;
/** Ports of one process: the next process looks further up. */
const portsPerProcess = 16;

/** Ports that the kernel gives to sockets that name none: never ours, or it would give ours away. */
function ephemeralRange(): readonly [number, number] {
  try {
    const [from = 0, to = 0] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
      .trim()
      .split(/\s+/)
      .map(Number);
    return [from, to];
  } catch {
    return [32_768, 60_999];
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const socket = createSocket('udp4');
  try {
    server.listen(port);
    await once(server, 'listening');
    socket.bind(port);
    await once(socket, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
    if (server.listening) await once(server.close(), 'close');
  }
}

let next: number | undefined;

/**
 * Ports that nobody has, for TCP and UDP on every address: for programs that cannot be told to take any port. A port
 * that was had by listening at port 0 is no such port: while it is closed again, the kernel may give it to another
 * socket of another test.
 */
export async function freePorts(count: number): Promise<number[]> {
  const [ephemeralFrom, ephemeralTo] = ephemeralRange();
  next ??= firstPort + ((process.pid * portsPerProcess) % (lastPort - firstPort));
  const found: number[] = [];
  for (let tries = firstPort; tries <= lastPort && found.length < count; tries++) {
    const port = next;
    next = next === lastPort ? firstPort : next + 1;
    const isOurs = port < ephemeralFrom || port > ephemeralTo || ephemeralFrom <= firstPort;
    if (isOurs && (await isFree(port))) found.push(port);
  }
  if (found.length < count) throw new Error(`no ${count} free ports between ${firstPort} and ${lastPort}`);
  return found;
}

/** One of `freePorts`. */
export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}
