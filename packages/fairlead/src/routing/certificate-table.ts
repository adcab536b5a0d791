import type { Secret } from '@fairlead/api';
import { deepEqual } from '@fairlead/client';
import { demandsStaple, responderOf } from '../sys/certificate-status.ts';
import type { IngressProblem } from './compile-ingress.ts';
import { CLIENT_CA_FIELD, type TlsClaim } from './compile-ingress-tls.ts';
import { KeyIndex } from './key-index.ts';
import { readCaBundle, readIdentity, readRevocationList, readStaple, uncoveredHosts } from './read-tls-secret.ts';
import { tlsSettingsKey } from './read-tls-settings.ts';
import type { CertificateKey, RouteCertificate } from './route-table.ts';
import type { SecretSource } from './secret-source.ts';

/** Key of what a claim needs in the table; undefined when it needs nothing there. */
function keyOf(claim: TlsClaim): CertificateKey | undefined {
  const { secret, clientCa, settings } = claim;
  if (clientCa === undefined && (settings === undefined || secret === undefined)) return secret;
  const key = `${secret ?? ''}|${clientCa ?? ''}`;
  return settings === undefined ? key : `${key}|${tlsSettingsKey(settings)}`;
}

/**
 * The certificates of a route table, kept in step with the claims of Ingresses and with Secrets. A
 * change marks the certificates it touches; `flush` compiles those.
 *
 * A Secret that turns unusable leaves the last good certificate in place; a Secret that is gone
 * takes it away. A client CA that is missing or unusable closes its hosts.
 */
export class CertificateTable {
  readonly #secrets: SecretSource;
  readonly #onStatus: (ingress: string) => void;
  readonly #unsubscribe: () => void;
  readonly #claims = new Map<string, readonly TlsClaim[]>();
  readonly #ingressesOfHost = new KeyIndex();
  readonly #ingressesOfKey = new KeyIndex();
  readonly #keysOfSecret = new KeyIndex();
  readonly #certificates = new Map<CertificateKey, RouteCertificate>();
  readonly #problems = new Map<CertificateKey, readonly Omit<IngressProblem, 'field'>[]>();
  readonly #dirty = new Set<CertificateKey>();

  /** `onDirty` tells that a flush would find work, `onStatus` that an Ingress's problems may have changed. */
  constructor(secrets: SecretSource, onDirty: () => void, onStatus: (ingress: string) => void) {
    this.#secrets = secrets;
    this.#onStatus = onStatus;
    this.#unsubscribe = secrets.subscribe((secret) => {
      for (const key of this.#keysOfSecret.get(secret)) this.#dirty.add(key);
      if (this.#dirty.size > 0) onDirty();
    });
  }

  /** A live view as of the last flush. */
  get certificates(): ReadonlyMap<CertificateKey, RouteCertificate> {
    return this.#certificates;
  }

  /** Replaces what one Ingress claims. */
  setClaims(ingress: string, claims: readonly TlsClaim[]): void {
    const before = this.#claims.get(ingress) ?? [];
    if (deepEqual(before, claims)) return;
    // First the new ones: a Secret that stays is watched all along.
    if (claims.length > 0) this.#claims.set(ingress, claims);
    else this.#claims.delete(ingress);
    for (const claim of claims) this.#note(claim);
    for (const claim of before) this.#drop(claim, claims);
  }

  #note(claim: TlsClaim): void {
    for (const host of claim.hosts) {
      this.#ingressesOfHost.add(host, claim.ingress);
      this.#markHost(host);
    }
    const key = keyOf(claim);
    if (key === undefined) return;
    this.#ingressesOfKey.add(key, claim.ingress);
    for (const secret of secretsOf(claim)) {
      this.#keysOfSecret.add(secret, key);
      this.#secrets.watch(secret);
    }
    this.#dirty.add(key);
  }

  #drop(claim: TlsClaim, kept: readonly TlsClaim[]): void {
    for (const host of claim.hosts) {
      this.#markHost(host);
      if (!kept.some((other) => other.hosts.includes(host))) this.#ingressesOfHost.delete(host, claim.ingress);
    }
    const key = keyOf(claim);
    if (key === undefined) return;
    this.#dirty.add(key);
    if (!kept.some((other) => keyOf(other) === key)) this.#ingressesOfKey.delete(key, claim.ingress);
    for (const secret of secretsOf(claim)) {
      if (this.#ingressesOfKey.get(key).size === 0) this.#keysOfSecret.delete(secret, key);
      this.#secrets.unwatch(secret);
    }
  }

  /** Who serves a host may change with every claim on it. */
  #markHost(host: string): void {
    for (const claim of this.#claimsOn(host)) {
      const key = keyOf(claim);
      if (key !== undefined) this.#dirty.add(key);
      this.#onStatus(claim.ingress);
    }
  }

  #claimsOn(host: string): TlsClaim[] {
    return [...this.#ingressesOfHost.get(host)].flatMap((ingress) =>
      (this.#claims.get(ingress) ?? []).filter((claim) => claim.hosts.includes(host)),
    );
  }

  /** The claim that a host is served by: one that asks clients for certificates, then the oldest. */
  #winner(host: string): TlsClaim | undefined {
    return this.#claimsOn(host).sort(
      (a, b) =>
        Number(b.clientCa !== undefined) - Number(a.clientCa !== undefined) ||
        compareText(a.created, b.created) ||
        compareText(a.ingress, b.ingress),
    )[0];
  }

  /** Recompiles what changed. */
  flush(): [CertificateKey, RouteCertificate | undefined][] {
    const changes: [CertificateKey, RouteCertificate | undefined][] = [];
    for (const key of this.#dirty) {
      const before = this.#certificates.get(key);
      const problems: Omit<IngressProblem, 'field'>[] = [];
      const after = this.#compile(key, before, problems);
      if (after === 'pending') continue;
      if (!deepEqual(problems, this.#problems.get(key) ?? [])) {
        if (problems.length === 0) this.#problems.delete(key);
        else this.#problems.set(key, problems);
        for (const ingress of this.#ingressesOfKey.get(key)) this.#onStatus(ingress);
      }
      if (deepEqual(before, after)) continue;
      if (after === undefined) this.#certificates.delete(key);
      else this.#certificates.set(key, after);
      changes.push([key, after]);
    }
    this.#dirty.clear();
    return changes;
  }

  #compile(
    key: CertificateKey,
    before: RouteCertificate | undefined,
    problems: Omit<IngressProblem, 'field'>[],
  ): RouteCertificate | undefined | 'pending' {
    const claims = [...this.#ingressesOfKey.get(key)].flatMap((ingress) =>
      (this.#claims.get(ingress) ?? []).filter((claim) => keyOf(claim) === key),
    );
    const [claim] = claims;
    const hosts = [...new Set(claims.flatMap((each) => each.hosts))]
      .filter((host) => {
        const winner = this.#winner(host);
        return winner !== undefined && keyOf(winner) === key;
      })
      .sort();
    if (claim === undefined || hosts.length === 0) return undefined;
    const closed: RouteCertificate = { key, hosts, certificate: '', privateKey: '', clientAuth: 'refuse' };
    if (claim.secret === undefined) return closed;
    const ca = claim.clientCa === undefined ? undefined : this.#secrets.get(claim.clientCa);
    const secret = this.#secrets.get(claim.secret);
    if (secret === 'pending' || ca === 'pending') return 'pending';

    const bundle = ca === undefined ? undefined : readCaBundle(ca);
    if (claim.clientCa !== undefined && bundle?.ok !== true) {
      const why = bundle === undefined ? 'does not exist' : bundle.problem;
      problems.push({ reason: 'ClientCaInvalid', message: `Secret ${claim.clientCa} ${why}; nobody gets in` });
    }
    const identity = secret === undefined ? undefined : readIdentity(secret);
    if (identity?.ok !== true) {
      const keeps = secret !== undefined && before !== undefined && before.certificate !== '';
      const served = keeps
        ? 'the last good certificate'
        : claim.clientCa === undefined
          ? 'the default certificate'
          : 'nobody';
      const reason = identity === undefined ? 'SecretNotFound' : 'SecretInvalid';
      const why = identity === undefined ? 'does not exist' : identity.problem;
      problems.push({
        reason,
        message: `Secret ${claim.secret} ${why}; ${hosts.join(', ')} ${served === 'nobody' ? 'is closed' : `gets ${served}`}`,
      });
      if (!keeps) return claim.clientCa === undefined ? undefined : closed;
    }
    const shown = identity?.ok === true ? identity.value : before!;
    const uncovered = uncoveredHosts(shown.certificate, hosts);
    if (uncovered.length > 0) {
      problems.push({
        reason: 'CertificateMismatch',
        message: `the certificate in Secret ${claim.secret} does not name ${uncovered.join(', ')}`,
      });
    }
    const { certificate, privateKey } = shown;
    const more = {
      ...(claim.settings === undefined ? {} : { settings: claim.settings }),
      ...this.#staple(claim.secret, secret, certificate, problems),
    };
    if (claim.clientCa === undefined) return { key, hosts, certificate, privateKey, ...more };
    if (bundle?.ok !== true) return closed;
    const revoked = ca === undefined ? undefined : readRevocationList(ca, bundle.value);
    if (revoked?.ok === false) {
      const message = `Secret ${claim.clientCa} ${revoked.problem}; nobody gets in`;
      problems.push({ reason: 'ClientCaInvalid', message });
      return closed;
    }
    const lists = revoked === undefined ? {} : { revoked: revoked.value };
    return {
      key,
      hosts,
      certificate,
      privateKey,
      ...more,
      clientAuth: { mode: 'require', ca: bundle.value, ...lists },
    };
  }

  /** The OCSP response that a Secret bears, and whether a certificate that demands one can have one. */
  #staple(
    name: string,
    secret: Secret | undefined,
    certificate: string,
    problems: Omit<IngressProblem, 'field'>[],
  ): Pick<RouteCertificate, 'staple'> {
    const given = secret === undefined ? undefined : readStaple(secret, certificate);
    if (given?.ok === false) {
      problems.push({ reason: 'SecretInvalid', message: `Secret ${name} tls.ocsp-staple: ${given.problem}; not used` });
    }
    if (given?.ok === true) return { staple: given.value };
    if (demandsStaple(certificate) && responderOf(certificate) === undefined) {
      const message = `the certificate in Secret ${name} demands a stapled OCSP response and names no responder; clients may refuse it`;
      problems.push({ reason: 'CertificateMismatch', message });
    }
    return {};
  }

  /** Problems of an Ingress's TLS, as of the last flush. */
  problemsOf(ingress: string): IngressProblem[] {
    const problems: IngressProblem[] = [];
    for (const claim of this.#claims.get(ingress) ?? []) {
      const key = keyOf(claim);
      for (const problem of (key === undefined ? undefined : this.#problems.get(key)) ?? []) {
        const field = problem.reason === 'ClientCaInvalid' ? CLIENT_CA_FIELD : `${claim.field}.secretName`;
        problems.push({ field, ...problem });
      }
      for (const host of claim.hosts) {
        const winner = this.#winner(host);
        if (winner === undefined || winner.ingress === ingress || keyOf(winner) === key) continue;
        const message = `host ${host} is served with the certificate of Ingress ${winner.ingress}`;
        problems.push({ field: `${claim.field}.hosts`, reason: 'RouteConflict', message });
      }
    }
    return problems;
  }

  stop(): void {
    this.#unsubscribe();
  }
}

function secretsOf(claim: TlsClaim): string[] {
  return [claim.secret, claim.clientCa].filter((secret) => secret !== undefined);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
