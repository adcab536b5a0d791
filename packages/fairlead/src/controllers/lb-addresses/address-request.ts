import { formatIp, type IpAddress, objectKey, parseIp, type Service, type Stored } from '@fairlead/api';
import { addressAnnotations, ownLoadBalancerClass } from '@fairlead/api/fairlead-dev/types';

/** Address family of one entry of `spec.ipFamilies`. */
export type Family = 4 | 6;

/** What decides whether two Services may have one address. */
export interface SharingTerms {
  /** Empty: with nobody. */
  readonly key: string;
  /** `80/TCP`. */
  readonly ports: readonly string[];
  /** `Cluster`, or `Local` with the selector as text: traffic for a shared address goes to one set of nodes. */
  readonly policy: string;
}

/** What a Service of type LoadBalancer wants. */
export interface AddressRequest {
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly families: readonly Family[];
  /** RequireDualStack: all families or none. */
  readonly allFamilies: boolean;
  /** Addresses asked for, at most one per family. */
  readonly wanted: ReadonlyMap<Family, string>;
  /** The pool asked for. */
  readonly pool: string | undefined;
  /** Empty: none. */
  readonly loadBalancerClass: string;
  readonly sharing: SharingTerms;
  /** Mistakes in annotations, with their field paths. */
  readonly problems: readonly string[];
}

/** Whether Fairlead's pools may serve the Service at all; `classes`: those that pools name. */
export function isCandidate(service: Service, classes: ReadonlySet<string>): boolean {
  if (service.spec?.type !== 'LoadBalancer' || service.metadata?.deletionTimestamp !== undefined) return false;
  const name = service.spec.loadBalancerClass ?? '';
  return name === '' || name === ownLoadBalancerClass || classes.has(name);
}

function familyNamed(name: string): Family {
  return name === 'IPv6' ? 6 : 4;
}

/** The families of a Service: its own, or those of its cluster IPs where nobody filled them in. */
function familiesOf(service: Service): Family[] {
  const spec = service.spec ?? {};
  if (spec.ipFamilies !== undefined && spec.ipFamilies.length > 0) return spec.ipFamilies.map(familyNamed);
  const families = (spec.clusterIPs ?? []).map((ip) => parseIp(ip)?.family).filter((family) => family !== undefined);
  return families.length > 0 ? families : [4];
}

function readWanted(service: Service, families: readonly Family[], problems: string[]): Map<Family, string> {
  const wanted = new Map<Family, string>();
  const annotation = service.metadata?.annotations?.[addressAnnotations.addresses];
  const inSpec = service.spec?.loadBalancerIP ?? '';
  const field =
    annotation === undefined ? 'spec.loadBalancerIP' : `metadata.annotations[${addressAnnotations.addresses}]`;
  const texts = annotation === undefined ? (inSpec === '' ? [] : [inSpec]) : annotation.split(',');
  for (const text of texts) {
    const ip: IpAddress | undefined = parseIp(text.trim());
    if (ip === undefined) problems.push(`${field}: '${text.trim()}' is not an IP address`);
    else if (!families.includes(ip.family))
      problems.push(`${field}: the Service has no IPv${ip.family} family for ${text.trim()}`);
    else if (wanted.has(ip.family)) problems.push(`${field}: more than one IPv${ip.family} address`);
    else wanted.set(ip.family, formatIp(ip));
  }
  return wanted;
}

function policyOf(service: Service): string {
  if (service.spec?.externalTrafficPolicy !== 'Local') return 'Cluster';
  const selector = Object.entries(service.spec.selector ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  // Without a selector nobody knows whether two Services have the same endpoints.
  return selector.length === 0 ? `Local of ${objectKey(service)}` : `Local ${JSON.stringify(selector)}`;
}

/** Reads a Service of type LoadBalancer. Pure. */
export function readAddressRequest(service: Stored<Service>): AddressRequest {
  const problems: string[] = [];
  const families = familiesOf(service);
  const annotations = service.metadata.annotations ?? {};
  const pool = annotations[addressAnnotations.pool]?.trim();
  const loadBalancerClass = service.spec?.loadBalancerClass ?? '';
  return {
    key: objectKey(service),
    namespace: service.metadata.namespace ?? '',
    labels: service.metadata.labels ?? {},
    families,
    allFamilies: service.spec?.ipFamilyPolicy === 'RequireDualStack',
    wanted: readWanted(service, families, problems),
    pool: pool === '' ? undefined : pool,
    // Our own class only says that nobody else may serve the Service.
    loadBalancerClass: loadBalancerClass === ownLoadBalancerClass ? '' : loadBalancerClass,
    sharing: {
      key: annotations[addressAnnotations.sharingKey]?.trim() ?? '',
      ports: (service.spec?.ports ?? []).map((port) => `${port.port}/${port.protocol ?? 'TCP'}`),
      policy: policyOf(service),
    },
    problems,
  };
}
