import { tlsContexts } from '../sys/tls-contexts.ts';
import type { TlsSettings } from '../sys/tls-settings.ts';
import type { AnnotationProblem } from './read-backend-policy.ts';

const PREFIX = 'fairlead.dev/tls-';
/** Lists of OpenSSL, without commands such as `@SECLEVEL=0`. */
const LIST = /^[-+!:.\w]+$/;

/** The settings of a server as annotations give them, and what of them counts as absent. */
export interface TlsAnnotations {
  /** Undefined: nothing differs from the gateway's own. */
  readonly settings: TlsSettings | undefined;
  readonly problems: readonly AnnotationProblem[];
}

/** Reads `fairlead.dev/tls-{min-version,ciphers,ciphersuites,curves}` of an Ingress, tried on the TLS library that will use them. */
export function readTlsSettings(annotations: Readonly<Record<string, string>> | undefined): TlsAnnotations {
  const problems: AnnotationProblem[] = [];
  let settings: TlsSettings = {};
  const take = (name: string, read: (text: string) => TlsSettings | string): void => {
    const text = annotations?.[`${PREFIX}${name}`]?.trim() ?? '';
    if (text === '') return;
    const result = read(text);
    const problem = typeof result === 'string' ? result : tlsContexts.settingsProblem(result);
    if (problem !== undefined) problems.push({ field: `metadata.annotations[${PREFIX}${name}]`, message: problem });
    else if (typeof result !== 'string') settings = { ...settings, ...result };
  };
  const list = (use: (text: string) => TlsSettings) => (text: string) =>
    LIST.test(text) ? use(text) : `'${text}' is not a list of names with colons between them`;
  take('min-version', (text) =>
    text === '1.2' || text === '1.3' ? { minVersion: text } : `'${text}' is none of 1.2, 1.3`,
  );
  take(
    'ciphers',
    list((ciphers) => ({ ciphers })),
  );
  take(
    'ciphersuites',
    list((cipherSuites) => ({ cipherSuites })),
  );
  take(
    'curves',
    list((curves) => ({ curves })),
  );
  return { settings: Object.keys(settings).length === 0 ? undefined : settings, problems };
}

/** Tells settings apart in the key of a certificate. */
export function tlsSettingsKey({ minVersion, ciphers, cipherSuites, curves }: TlsSettings): string {
  return [minVersion ?? '', ciphers ?? '', cipherSuites ?? '', curves ?? ''].join(' ');
}
