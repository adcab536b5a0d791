import type { IpFamily } from '../../node/machine-network.ts';
import { publicAddresses } from '../../node/node-addresses.ts';
import type { Clock } from '../../sys/clock.ts';
import type { ListenAddress } from '../settings.ts';

/** How often the machine's addresses are looked at: a few system calls. */
const LOOK_MS = 5_000;

/** Families of a listener on every address. */
const families: Readonly<Record<string, readonly IpFamily[] | undefined>> = { '0.0.0.0': [4], '::': [4, 6] };

/** The addresses under which clients reach a listener, for Ingress status: on all addresses one of each family. */
export function publishedAddresses({ host }: ListenAddress, find: typeof publicAddresses = publicAddresses): string[] {
  const wanted = families[host];
  return wanted === undefined ? [host] : find(wanted);
}

/**
 * Calls back when they are others than before: a machine gets a new address by DHCP, or another link. Returns how to end it.
 * A listener on one address has that one for ever.
 */
export function followAddresses(
  listen: ListenAddress,
  clock: Pick<Clock, 'after'>,
  onChange: (addresses: readonly string[]) => void,
  find: typeof publicAddresses = publicAddresses,
): () => void {
  if (families[listen.host] === undefined) return () => {};
  let known = publishedAddresses(listen, find).join();
  let cancel = (): void => {};
  const look = (): void => {
    cancel = clock.after(LOOK_MS, look);
    const addresses = publishedAddresses(listen, find);
    if (addresses.join() === known) return;
    known = addresses.join();
    onChange(addresses);
  };
  cancel = clock.after(LOOK_MS, look);
  return () => cancel();
}
