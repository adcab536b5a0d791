import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsIdentity } from '../../sys/tls-context.ts';

/** Why tests with {@link OpensslPki} cannot run, or false. */
export function opensslSkip(): string | false {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'openssl is not installed';
  }
}

/** What a leaf certificate says besides its name. */
export interface LeafOptions {
  /** As openssl writes them: `DNS:a.example,URI:spiffe://x`. Default: the name. */
  readonly names?: string;
  /** Further lines of an extension section. */
  readonly extensions?: readonly string[];
  readonly days?: number;
}

/** A leaf with its place among the CA's certificates. */
export interface Leaf extends TlsIdentity {
  readonly name: string;
  readonly serial: string;
  /** File with the certificate. */
  readonly file: string;
}

/** A certificate authority of the openssl command, in a directory of its own. */
export class OpensslPki {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'fairlead-pki-'));
  readonly ca: string;
  readonly caFile: string;
  readonly caKeyFile: string;
  readonly #index: string[] = [];
  #serial = 0x1000;

  constructor(name = 'Test CA') {
    this.caFile = join(this.folder, 'ca.crt');
    this.caKeyFile = join(this.folder, 'ca.key');
    this.run(
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'],
      ['-subj', `/CN=${name}`, '-keyout', this.caKeyFile, '-out', this.caFile],
      ['-addext', 'keyUsage=critical,keyCertSign,cRLSign,digitalSignature'],
    );
    this.ca = readFileSync(this.caFile, 'utf8');
  }

  /** @returns what the command printed. */
  run(...args: readonly (readonly string[])[]): string {
    return execFileSync('openssl', args.flat(), { cwd: this.folder, stdio: ['ignore', 'pipe', 'ignore'] }).toString();
  }

  leaf(name: string, { names = `DNS:${name}`, extensions = [], days = 30 }: LeafOptions = {}): Leaf {
    const serial = (this.#serial++).toString(16).toUpperCase();
    const at = (suffix: string): string => join(this.folder, `${serial}.${suffix}`);
    this.run(
      ['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`],
      ['-keyout', at('key'), '-out', at('csr')],
    );
    const text = [...(names === '' ? [] : [`subjectAltName=${names}`]), ...extensions].join('\n');
    writeFileSync(at('ext'), `${text}\n`);
    this.run(
      ['x509', '-req', '-in', at('csr'), '-CA', this.caFile, '-CAkey', this.caKeyFile, '-set_serial', `0x${serial}`],
      ['-days', String(days), '-extfile', at('ext'), '-out', at('crt')],
    );
    this.#index.push(indexLine('V', serial, name));
    return {
      name,
      serial,
      file: at('crt'),
      certificate: readFileSync(at('crt'), 'utf8'),
      privateKey: readFileSync(at('key'), 'utf8'),
    };
  }

  /** From now on the certificate counts as revoked, for {@link crl} and OCSP responders on {@link indexFile}. */
  revoke({ serial, name }: Leaf): void {
    const at = this.#index.findIndex((line) => line.includes(`\t${serial}\t`));
    this.#index[at] = indexLine('R', serial, name);
  }

  /** The database of `openssl ca`, as it is now. */
  indexFile(): string {
    const file = join(this.folder, 'index.txt');
    // A name may be on several certificates.
    writeFileSync(`${file}.attr`, 'unique_subject = no\n');
    writeFileSync(file, this.#index.map((line) => `${line}\n`).join(''));
    return file;
  }

  /** A revocation list in PEM, valid for the given time. */
  crl({ hours = 24 }: { readonly hours?: number } = {}): string {
    const config = join(this.folder, 'ca.cnf');
    const lines = [
      '[ca]\ndefault_ca=own\n[own]',
      `database=${this.indexFile()}`,
      `certificate=${this.caFile}\nprivate_key=${this.caKeyFile}\ndefault_md=sha256`,
    ];
    writeFileSync(config, `${lines.join('\n')}\n`);
    const file = join(this.folder, 'list.crl');
    this.run(['ca', '-config', config, '-gencrl', '-crlhours', String(hours), '-out', file]);
    return readFileSync(file, 'utf8');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** State, expiry, revocation, serial, file and name. */
function indexLine(state: 'V' | 'R', serial: string, name: string): string {
  return `${state}\t491231235959Z\t${state === 'R' ? '250101000000Z' : ''}\t${serial}\tunknown\t/CN=${name}`;
}
