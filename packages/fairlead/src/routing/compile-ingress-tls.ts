import { type Ingress, objectKey, type Stored } from '@fairlead/api';
import type { IngressProblem } from './compile-ingress.ts';
import { readTlsSettings, type TlsAnnotations } from './read-tls-settings.ts';

/** A certificate that an Ingress asks for, for some of its hosts. */
export interface TlsClaim {
  /** `namespace/name` of the Secret; undefined: the gateway's default certificate. */
  readonly secret: string | undefined;
  readonly hosts: readonly string[];
  /** `spec.tls[i]`. */
  readonly field: string;
  /** `namespace/name` of the Secret with the CA bundle that client certificates are checked against. */
  readonly clientCa: string | undefined;
  /** What is offered to clients, where it differs from the gateway's own. */
  readonly settings?: NonNullable<TlsAnnotations['settings']>;
  /** Of equal hosts the oldest Ingress wins, then `namespace/name`. */
  readonly created: string;
  readonly ingress: string;
}

/** Annotation: a Secret of the same namespace whose `ca.crt` signs the clients that are let in. */
export const CLIENT_CA_ANNOTATION = 'fairlead.dev/client-ca-secret';
/** Field path of {@link CLIENT_CA_ANNOTATION}, for problems. */
export const CLIENT_CA_FIELD: string = `metadata.annotations[${CLIENT_CA_ANNOTATION}]`;

const HOSTNAME = /^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/**
 * `spec.tls` of one Ingress. Cases:
 *
 * - hosts: those; none: the hosts of the rules, or any host if there are none
 * - no Secret: the default certificate
 * - a client CA: asked for on every host of the Ingress; on hosts without a Secret nobody gets in,
 *   because the default certificate is shared with hosts that ask for nothing
 */
export function compileIngressTls(
  ingress: Stored<Ingress>,
  problem: (field: string, reason: IngressProblem['reason'], message: string) => void,
): TlsClaim[] {
  const key = objectKey(ingress);
  const namespace = ingress.metadata.namespace ?? '';
  const created = ingress.metadata.creationTimestamp;
  const ca = ingress.metadata.annotations?.[CLIENT_CA_ANNOTATION];
  const clientCa = ca === undefined || ca === '' ? undefined : `${namespace}/${ca}`;
  const { settings, problems } = readTlsSettings(ingress.metadata.annotations);
  for (const { field, message } of problems) problem(field, 'InvalidField', message);
  const withSettings = settings === undefined ? {} : { settings };
  const ruleHosts = (ingress.spec?.rules ?? [])
    .map((rule) => (rule.host ?? '').toLowerCase())
    .filter((host) => HOSTNAME.test(host));
  const claims: TlsClaim[] = [];
  const covered = new Set<string>();
  (ingress.spec?.tls ?? []).forEach((entry, index) => {
    const field = `spec.tls[${index}]`;
    const hosts: string[] = [];
    (entry.hosts ?? []).forEach((host, at) => {
      const name = host.toLowerCase();
      if (!HOSTNAME.test(name)) {
        problem(
          `${field}.hosts[${at}]`,
          'InvalidRule',
          `${JSON.stringify(host)} is not a DNS name or a wildcard of one label`,
        );
      } else if (!covered.has(name)) hosts.push(name);
    });
    if ((entry.hosts ?? []).length === 0)
      hosts.push(...(ruleHosts.length > 0 ? ruleHosts : ['*']).filter((host) => !covered.has(host)));
    for (const host of hosts) covered.add(host);
    const secret = (entry.secretName ?? '') === '' ? undefined : `${namespace}/${entry.secretName}`;
    if (secret === undefined && clientCa !== undefined) {
      problem(`${field}.secretName`, 'InvalidRule', `needed with ${CLIENT_CA_ANNOTATION}; nobody gets in`);
    }
    if (secret === undefined && settings !== undefined) {
      problem(
        `${field}.secretName`,
        'InvalidRule',
        'needed with fairlead.dev/tls-…: the default certificate is shared',
      );
    }
    claims.push({ secret, hosts: [...new Set(hosts)], field, clientCa, created, ingress: key, ...withSettings });
  });
  const open = ruleHosts.filter((host) => !covered.has(host));
  if (clientCa !== undefined && open.length > 0) {
    problem(
      CLIENT_CA_FIELD,
      'InvalidRule',
      `${open.join(', ')}: not in spec.tls, so no client can show a certificate and nobody gets in`,
    );
    claims.push({
      secret: undefined,
      hosts: [...new Set(open)],
      field: CLIENT_CA_FIELD,
      clientCa,
      created,
      ingress: key,
    });
  }
  return claims;
}
