import { createInterface } from 'node:readline';
import { machineMonotonicMs } from '../../sys/clock.ts';
import { createAnswerer } from '../layer2/answerer.ts';
import { linksFor, readInterfaces } from '../layer2/interfaces.ts';

/** A line of standard input. */
export type AnswererCommand =
  | { readonly kind: 'announce' | 'withdraw'; readonly address: string }
  | { readonly kind: 'extend'; readonly forMs: number };

const answerer = createAnswerer(
  () => undefined,
  (event) => {
    if (event.kind === 'state') process.stdout.write(`${event.address} ${event.state}\n`);
    if (event.kind === 'failed') process.stdout.write(`failed ${event.what} ${event.errno}\n`);
  },
);
let work = Promise.resolve();

async function obey(command: AnswererCommand): Promise<void> {
  if (command.kind === 'extend') answerer.extend(machineMonotonicMs() + command.forMs);
  else if (command.kind === 'withdraw') answerer.withdraw(command.address);
  else {
    const interfaces = await readInterfaces();
    if (typeof interfaces === 'number') throw new Error(`interfaces: ${interfaces}`);
    answerer.announce(command.address, linksFor(command.address, ['eth0'], interfaces, []));
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  work = work.then(() => obey(JSON.parse(line) as AnswererCommand));
});
