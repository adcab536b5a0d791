import { BlockList, isIPv6 } from 'node:net';
import type { AccessFilter } from '../../routing/route-filters.ts';
import { errorBody } from '../local-response.ts';
import type { CompiledFilter, FilterAnswer, Verdict } from './filter.ts';
import type { FilterRun } from './filter-run.ts';

const DENIED: FilterAnswer = { status: 403, body: errorBody(403), reason: 'denied', fields: [] };

/** Lets requests in by the address of their client. */
export class AccessList implements CompiledFilter {
  readonly #allow: BlockList | undefined;
  readonly #deny: BlockList;

  constructor({ allow, deny }: AccessFilter) {
    this.#allow = allow.length === 0 ? undefined : addressList(allow);
    this.#deny = addressList(deny);
  }

  onRequest(run: FilterRun): Verdict {
    const address = run.clientAddress();
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (this.#deny.check(address, family)) return DENIED;
    return this.#allow === undefined || this.#allow.check(address, family) ? 'pass' : DENIED;
  }
}

function addressList(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', bits] = cidr.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    list.addSubnet(address, bits === undefined ? (family === 'ipv4' ? 32 : 128) : Number(bits), family);
  }
  return list;
}
