import { normalizeName } from '../owner-names.ts';
import { leftText, type MutableSettings, type Outcome } from './corefile-settings.ts';
import type { CorefileDirective } from './parse-corefile.ts';

/** `kubernetes [ZONE...] { … }`: the cluster's zone, and how its records are made. */
export function importKubernetes(directive: CorefileDirective, settings: MutableSettings): Outcome {
  const zones = directive.args.map(normalizeName).filter((zone) => !zone.endsWith('.arpa'));
  const [zone] = zones;
  if (zone !== undefined) settings.clusterDomain = zone;
  const taken = [`cluster domain ${zone ?? 'unchanged'}`];
  const left = zones.slice(1).map((other) => `zone ${other}`);
  for (const { name, args } of directive.block) {
    const [value = ''] = args;
    if (name === 'ttl' && /^\d{1,4}$/.test(value) && Number(value) <= 3600) {
      settings.ttlSeconds = Number(value);
      taken.push(`ttl ${value}`);
    } else if (name === 'pods') {
      // Names that only echo an address can be had for any address, so they prove nothing.
      settings.podRecords = value === 'disabled' ? 'disabled' : 'verified';
      taken.push(`pods ${value}${value === 'insecure' ? ' as verified' : ''}`);
    } else if (name === 'zonal') {
      settings.hasZonalNames = true;
      taken.push('zonal');
    } else if (name === 'multicluster') {
      const [, detail] = importMulticluster(args, settings);
      taken.push(detail);
    } else if (name === 'endpoint' || name === 'kubeconfig' || name === 'tls') {
      left.push(`${name} (--kubeconfig says where the API is)`);
    } else if (name === 'fallthrough') taken.push('fallthrough (reverse names always fall through)');
    else left.push(name);
  }
  return ['taken', `${taken.join(', ')}${leftText(left)}`];
}

/** `multicluster [ZONE]`, a line of its own or of `kubernetes`. */
export function importMulticluster(args: readonly string[], settings: MutableSettings): Outcome {
  settings.clustersetZone = normalizeName(args[0] ?? 'clusterset.local');
  return ['taken', `multi-cluster zone ${settings.clustersetZone}`];
}
