/** Knot DNS as a peer in tests. Not used by the product. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SocketAddress } from '../sys/socket-address.ts';
import { freePort } from '../sys/testing/free-ports.ts';
import { askUdp, encodeQuery } from './dns-fixtures.ts';

const knotd = '/usr/sbin/knotd';

/** Why tests with Knot are skipped; false: they are not. */
export const noKnot: string | false = existsSync(knotd) ? false : 'Knot is missing (Debian: knot)';

/** A running Knot, and the file of its configuration, which knotc needs. */
export interface Knot {
  readonly address: SocketAddress;
  readonly child: ChildProcess;
  readonly configuration: string;
}

/**
 * Knot on a port of its own; another one when somebody else takes that in between. `lines`: its configuration below
 * `server` and `database`. It runs once it answers for the SOA of `zone`.
 */
export async function startKnot(folder: string, zone: string, lines: readonly string[]): Promise<Knot> {
  const home = mkdtempSync(join(folder, 'knot-'));
  const configuration = join(home, 'knot.conf');
  for (let attempt = 0; attempt < 5; attempt++) {
    const port = await freePort();
    const server = ['server:', `    rundir: "${home}"`, `    listen: 127.0.0.1@${port}`];
    const all = [...server, 'database:', `    storage: "${home}"`, ...lines];
    writeFileSync(configuration, `${all.join('\n')}\n`);
    const child = spawn(knotd, ['-c', configuration], { stdio: 'ignore' });
    const exited = once(child, 'exit');
    const address: SocketAddress = { family: 'ipv4', address: '127.0.0.1', port };
    for (let round = 0; round < 30 && child.exitCode === null; round++) {
      if ((await serialAt(address, zone)) !== undefined) return { address, child, configuration };
    }
    child.kill();
    await exited;
  }
  throw new Error('Knot did not start');
}

/** Ends it, if it was started at all. */
export async function stopKnot(knot: Knot | undefined): Promise<void> {
  if (knot === undefined || knot.child.exitCode !== null || knot.child.signalCode !== null) return;
  const exited = once(knot.child, 'exit');
  knot.child.kill();
  await exited;
}

/** Serial of the zone that a server has; absent: it does not answer, or has none. */
export async function serialAt(address: SocketAddress, zone: string): Promise<number | undefined> {
  const message = await askUdp(address, encodeQuery(zone, 'SOA', { flags: 0 }), 200).catch(() => undefined);
  const data = message?.answers[0]?.data;
  return data && new DataView(data.buffer, data.byteOffset, data.length).getUint32(data.length - 20);
}
