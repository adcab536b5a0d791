import assert from 'node:assert/strict';
import { command, createMachine, type TestSystem } from './system.ts';

/**
 * A machine with an address of each family. Its network has a port of its own: when the last port of a bridge goes, the
 * link is cut, and nobody is told of its addresses any more.
 */
export async function machineOfBothFamilies(): Promise<string> {
  const machine = await createMachine();
  for (const args of [
    ['addr', 'add', '2001:db8::10/64', 'dev', 'eth0', 'nodad'],
    ['link', 'add', 'port0', 'type', 'veth', 'peer', 'name', 'wire0'],
    ['link', 'set', 'port0', 'master', 'eth0', 'up'],
    ['link', 'set', 'wire0', 'up'],
  ]) {
    const { status, stderr } = await command('ip', ['-n', machine, ...args]);
    assert.equal(status, 0, stderr);
  }
  return machine;
}

/** Addresses of a {@link machineOutside}. */
export const outsideAddresses: readonly string[] = ['192.0.2.20', '2001:db8::20'];

/**
 * Another machine on the network of the system's: a namespace that knows no way to Pods, for as long as `use` takes.
 * `use` gets its name.
 */
export async function machineOutside(system: TestSystem, use: (outside: string) => Promise<void>): Promise<void> {
  const outside = `${system.machine}-out`;
  const [address = '', address6 = ''] = outsideAddresses;
  try {
    for (const args of [
      ['netns', 'add', outside],
      ['-n', outside, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'out', 'netns', system.machine],
      ['-n', system.machine, 'link', 'set', 'out', 'master', 'eth0', 'up'],
      ['-n', outside, 'addr', 'add', `${address}/24`, 'dev', 'eth0'],
      ['-n', outside, 'addr', 'add', `${address6}/64`, 'dev', 'eth0', 'nodad'],
      ['-n', outside, 'link', 'set', 'eth0', 'up'],
    ]) {
      const { status, stderr } = await command('ip', args);
      assert.equal(status, 0, stderr);
    }
    await use(outside);
  } finally {
    await command('ip', ['netns', 'delete', outside]);
  }
}
