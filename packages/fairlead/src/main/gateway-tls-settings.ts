import { resolve } from 'node:path';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { TlsSettings } from '../sys/tls-settings.ts';
import type { SecretName } from './roles/gateway-secrets.ts';
import type { Setting, SettingReader } from './settings.ts';

/** Settings of what the gateway offers over TLS. */
export const gatewayTlsSettings: readonly Setting[] = [
  { name: 'gateway-tls-min-version', value: 'VERSION', description: '1.2 (default) or 1.3; Ingresses may differ' },
  { name: 'gateway-tls-ciphers', value: 'LIST', description: 'suites of TLS 1.2, as OpenSSL writes them' },
  { name: 'gateway-tls-ciphersuites', value: 'LIST', description: 'suites of TLS 1.3' },
  { name: 'gateway-tls-curves', value: 'LIST', description: 'key exchange groups, as X25519:P-256' },
  {
    name: 'gateway-ocsp',
    value: 'REACH',
    description: "which responders are asked for OCSP responses to staple: 'public' ones (default), 'any', 'off'",
  },
  {
    name: 'gateway-default-certificate',
    value: 'NAMESPACE/NAME',
    description:
      'Secret (kubernetes.io/tls) for clients that ask for no host with a certificate (default: self-signed)',
  },
  {
    name: 'gateway-shared-secrets',
    value: 'NAMESPACE/NAME',
    description: 'Secret with ticket keys and default certificate, made if missing: several gateways share it',
  },
  {
    name: 'gateway-tls-key-log',
    value: 'FILE',
    description: 'writes the secrets of TLS sessions: whoever reads the file can decipher them (default: off)',
  },
];

/** What the gateway offers over TLS. */
export interface GatewayTlsOptions {
  readonly tlsSettings: TlsSettings;
  readonly ocsp: 'public' | 'any' | 'off';
  readonly keyLogFile?: string;
  /** Shown to clients that ask for no host with a certificate of its own. */
  readonly defaultCertificateSecret?: SecretName;
  /** What several gateways share. */
  readonly sharedSecrets?: SecretName;
}

/** Reads {@link gatewayTlsSettings}; problems go to the reader. */
export function readGatewayTls(reader: SettingReader): GatewayTlsOptions {
  const minVersion = reader.text('gateway-tls-min-version');
  if (minVersion !== undefined && minVersion !== '1.2' && minVersion !== '1.3') {
    reader.problems.push(`--gateway-tls-min-version ${minVersion}: must be 1.2 or 1.3`);
  }
  const list = (name: string, options: (text: string) => SecureContextOptions): string | undefined => {
    const text = reader.text(name);
    const problem = text === undefined ? undefined : problemWith(text, options(text));
    if (problem !== undefined) reader.problems.push(`--${name} ${text}: ${problem}`);
    return text;
  };
  const ciphers = list('gateway-tls-ciphers', (text) => ({ ciphers: text }));
  const cipherSuites = list('gateway-tls-ciphersuites', (text) => ({ ciphers: text }));
  const curves = list('gateway-tls-curves', (text) => ({ ecdhCurve: text }));
  const tlsSettings: TlsSettings = {
    ...(minVersion === '1.3' ? { minVersion } : {}),
    ...(ciphers === undefined ? {} : { ciphers }),
    ...(cipherSuites === undefined ? {} : { cipherSuites }),
    ...(curves === undefined ? {} : { curves }),
  };
  const reach = reader.text('gateway-ocsp') ?? 'public';
  const ocsp = reach === 'any' || reach === 'off' ? reach : 'public';
  if (ocsp !== reach) reader.problems.push(`--gateway-ocsp ${reach}: must be public, any or off`);
  const keyLog = reader.text('gateway-tls-key-log');
  const defaultCertificateSecret = readSecretName(reader, 'gateway-default-certificate');
  const sharedSecrets = readSecretName(reader, 'gateway-shared-secrets');
  return {
    tlsSettings,
    ocsp,
    ...(keyLog === undefined ? {} : { keyLogFile: resolve(keyLog) }),
    ...(defaultCertificateSecret === undefined ? {} : { defaultCertificateSecret }),
    ...(sharedSecrets === undefined ? {} : { sharedSecrets }),
  };
}

function readSecretName(reader: SettingReader, setting: string): SecretName | undefined {
  const text = reader.text(setting);
  if (text === undefined) return undefined;
  const [, namespace, name] = /^([-a-z0-9]+)\/([-.a-z0-9]+)$/.exec(text) ?? [];
  if (namespace !== undefined && name !== undefined) return { namespace, name };
  reader.problems.push(`--${setting} ${text}: must be NAMESPACE/NAME of a Secret`);
  return undefined;
}

/** What OpenSSL, by way of node:tls, does not understand: the supervisor needs no FFI for this. */
function problemWith(text: string, options: SecureContextOptions): string | undefined {
  if (!/^[-+!:.\w]+$/.test(text)) return 'must be names with colons between them';
  try {
    createSecureContext(options);
    return undefined;
  } catch {
    return 'has nothing that OpenSSL knows';
  }
}

/** The same settings, checked, as flags for the gateway's process. */
export function gatewayTlsArgs(reader: SettingReader): readonly string[] {
  readGatewayTls(reader);
  return gatewayTlsSettings.flatMap(({ name }) => {
    const text = reader.text(name);
    return text === undefined ? [] : [`--${name}`, text];
  });
}
