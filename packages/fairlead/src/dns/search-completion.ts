import { dashedAddress } from './owner-names.ts';
import type { DnsProgram, OwnerName } from './program.ts';

/** A name that a client made by its search list: what it meant, and the namespace whose list it has. */
export interface SearchName {
  readonly meant: OwnerName;
  readonly namespace: string;
}

/**
 * Takes `www.example.org.shop.svc.cluster.local` apart: the first try of a Pod of namespace `shop` for
 * `www.example.org`, with the ndots:5 of Kubernetes. Absent: no name of that form with at least two labels in front.
 */
export function splitSearchName(owner: OwnerName, origin: OwnerName): SearchName | undefined {
  const suffix = `.svc.${origin}`;
  if (!owner.endsWith(suffix)) return undefined;
  const front = owner.slice(0, -suffix.length);
  const dot = front.lastIndexOf('.');
  const meant = front.slice(0, Math.max(0, dot));
  // Names with an underscore are for SRV, which nobody looks for outside.
  if (!meant.includes('.') || meant.startsWith('_')) return undefined;
  return { meant, namespace: front.slice(dot + 1) };
}

/**
 * The name that ends a Pod's search at once: the first of the rest of its search list that exists, or the name
 * itself, for the upstreams. Only for clients that are Pods of that very namespace, by their record in
 * `pod.<zone>`: nobody learns by it what another namespace's list would give. Absent: nothing to complete.
 */
export function completeSearch(program: DnsProgram, owner: OwnerName, client: string): OwnerName | undefined {
  const { origin } = program.zone;
  const search = splitSearchName(owner, origin);
  if (search === undefined) return undefined;
  const pod = program.names.get(`${dashedAddress(client)}.${search.namespace}.pod.${origin}`);
  if (pod === undefined || pod.length === 0) return undefined;
  const candidates = [`${search.meant}.svc.${origin}`, `${search.meant}.${origin}`];
  return candidates.find((name) => (program.names.get(name)?.length ?? 0) > 0) ?? search.meant;
}
