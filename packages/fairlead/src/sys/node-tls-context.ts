import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import {
  checkServerIdentity,
  connect,
  createSecureContext,
  createServer,
  type SecureContext,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
} from 'node:tls';
import { bearsName, namesProblem } from './certificate-names.ts';
import { systemRoots } from './system-roots.ts';
import type { AlpnProtocol } from './tls-alpn.ts';
import type { ClientContextOptions, ServerContextOptions } from './tls-context.ts';
import type { TlsContexts } from './tls-contexts.ts';
import type { ClientSessionOptions } from './tls-session.ts';
import type { TlsSettings } from './tls-settings.ts';

/** As in `tls-context.ts`; node:tls wants the suites of TLS 1.3 in the same list. */
const CIPHER_SUITES = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';
const CIPHERS =
  'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305';

/** SSL_OP_BIT(30), which node:crypto does not name. */
const SSL_OP_NO_RENEGOTIATION = 2 ** 30;

type Settled = (socket: TLSSocket | undefined, problem: string) => void;

let ticketKeys: Buffer | undefined;
const contexts = new Set<NodeServerContext>();

/** One connection of this process: node:tls does not say which socket a handshake belongs to. */
function pathOf(socket: Socket): string {
  return `${socket.remoteAddress}|${socket.remotePort}|${socket.localAddress}|${socket.localPort}`;
}

/** A certificate for accepting connections through node:tls. */
export class NodeServerContext {
  readonly role = 'server';
  readonly #options: ServerContextOptions;
  readonly #secure: SecureContextOptions;
  /** By the protocol they agree to: node:tls fixes it per server. None of them listens. */
  readonly #servers = new Map<string, Server>();
  readonly #waiting = new Map<string, Settled>();

  constructor(options: ServerContextOptions, secure: SecureContextOptions) {
    this.#options = options;
    this.#secure = secure;
    contexts.add(this);
  }

  /** Shakes hands on a connected socket whose ClientHello is still to be read. `settled` is called once. */
  accept(socket: Socket, alpn: AlpnProtocol | 'none' | 'refused', settled: Settled): void {
    const path = pathOf(socket);
    this.#waiting.set(path, settled);
    socket.once('close', () => this.#settle(path, undefined, 'connection lost'));
    this.#server(alpn).emit('connection', socket);
  }

  #settle(path: string, socket: TLSSocket | undefined, problem: string): void {
    const settled = this.#waiting.get(path);
    this.#waiting.delete(path);
    settled?.(socket, problem);
  }

  #server(alpn: AlpnProtocol | 'none' | 'refused'): Server {
    const present = this.#servers.get(alpn);
    if (present !== undefined) return present;
    const { clientAuth } = this.#options;
    const server = createServer({
      ...this.#secure,
      requestCert: clientAuth !== undefined,
      rejectUnauthorized: clientAuth?.mode === 'require',
      // A protocol that nobody offers ends the handshake with no_application_protocol.
      ...(alpn === 'none' ? {} : { ALPNProtocols: [alpn === 'refused' ? 'refused.invalid' : alpn] }),
    });
    if (ticketKeys !== undefined) server.setTicketKeys(ticketKeys);
    server.on('secureConnection', (socket) => {
      const path = pathOf(socket);
      if (clientAuth === undefined || socket.authorized || socket.getPeerX509Certificate() === undefined) {
        this.#settle(path, socket, '');
      } else {
        // `request`: one that is shown must be good.
        this.#settle(path, undefined, `client certificate: ${String(socket.authorizationError)}`);
        socket.destroy();
      }
    });
    server.on('tlsClientError', (error, socket) => this.#settle(pathOf(socket), undefined, error.message));
    this.#servers.set(alpn, server);
    return server;
  }

  setTicketKeys(keys: Buffer): void {
    for (const server of this.#servers.values()) server.setTicketKeys(keys);
  }

  free(): void {
    contexts.delete(this);
  }
}

/** What upstreams must show, through node:tls. */
export class NodeClientContext {
  readonly role = 'client';
  readonly #secure: SecureContext;
  readonly #verifies: boolean;

  constructor(secure: SecureContext, verifies: boolean) {
    this.#secure = secure;
    this.#verifies = verifies;
  }

  /** Shakes hands on a connected socket. */
  connect(socket: Socket, { serverName, verifyName, names, alpn }: ClientSessionOptions): TLSSocket {
    return connect({
      socket,
      secureContext: this.#secure,
      rejectUnauthorized: this.#verifies,
      checkServerIdentity: (_, certificate) => {
        if (names !== undefined && !bearsName(certificate.raw, names)) return new Error(namesProblem(names));
        return verifyName === undefined ? undefined : checkServerIdentity(verifyName, certificate);
      },
      ...(alpn === undefined ? {} : { ALPNProtocols: [...alpn] }),
      ...(serverName === undefined ? {} : { servername: serverName }),
    });
  }

  free(): void {}
}

/** Contexts on node:tls: slower, and without what its interface lacks (see the README). */
export const nodeTlsContexts: TlsContexts = {
  server(options) {
    const { identity, clientAuth, settings = {} } = options;
    const secure: SecureContextOptions = {
      ...secureSettings(settings),
      cert: identity.certificate,
      key: identity.privateKey,
      honorCipherOrder: true,
      sessionIdContext: 'fairlead',
      // A resumed session would skip the check against a bundle that changed since.
      ...(clientAuth === undefined ? {} : { ca: clientAuth.ca }),
      ...(clientAuth?.revoked === undefined ? {} : { crl: Buffer.from(clientAuth.revoked, 'base64') }),
      secureOptions: SSL_OP_NO_RENEGOTIATION | (clientAuth === undefined ? 0 : constants.SSL_OP_NO_TICKET),
    };
    const problem =
      identityProblem(identity) ??
      (clientAuth === undefined ? undefined : bundleProblem(clientAuth.ca)) ??
      contextProblem(secure, 'these settings cannot be used');
    if (problem !== undefined) return { ok: false, problem };
    return { ok: true, context: new NodeServerContext(options, secure) };
  },
  client({ verify, identity }: ClientContextOptions) {
    const problem =
      (verify === 'off' || typeof verify.ca !== 'string' ? undefined : bundleProblem(verify.ca)) ??
      (identity === undefined ? undefined : identityProblem(identity));
    if (problem !== undefined) return { ok: false, problem };
    const secure = createSecureContext({
      minVersion: 'TLSv1.2',
      ciphers: `${CIPHER_SUITES}:${CIPHERS}`,
      ...(verify === 'off' ? {} : { ca: typeof verify.ca === 'string' ? verify.ca : systemRoots() }),
      ...(identity === undefined ? {} : { cert: identity.certificate, key: identity.privateKey }),
    });
    return { ok: true, context: new NodeClientContext(secure, verify !== 'off') };
  },
  settingsProblem: (settings) => contextProblem(secureSettings(settings), 'these settings cannot be used'),
  revocationProblem: ({ revoked = '' }) =>
    contextProblem({ crl: Buffer.from(revoked, 'base64') }, 'the revocation list cannot be used'),
  setTicketKeys([present]) {
    if (present === undefined) return;
    // node:tls knows one key of 48 bytes: name, HMAC and AES-128.
    const bytes = Buffer.from(present);
    ticketKeys = Buffer.concat([bytes.subarray(0, 32), bytes.subarray(48, 64)]);
    for (const context of contexts) context.setTicketKeys(ticketKeys);
  },
};

function secureSettings({ minVersion, ciphers, cipherSuites, curves }: TlsSettings): SecureContextOptions {
  const suites = ciphers === undefined ? CIPHERS : `${ciphers}:!aNULL:!eNULL`;
  return {
    minVersion: minVersion === '1.3' ? 'TLSv1.3' : 'TLSv1.2',
    ciphers: `${cipherSuites ?? CIPHER_SUITES}:${suites}`,
    ...(curves === undefined ? {} : { ecdhCurve: curves }),
  };
}

function identityProblem({ certificate, privateKey }: ServerContextOptions['identity']): string | undefined {
  if (!certificate.includes('-----BEGIN CERTIFICATE-----')) return 'the certificate is no PEM certificate';
  const rows = [
    [{ cert: certificate }, 'the certificate cannot be used'],
    [{ key: privateKey }, 'the private key is no unencrypted PEM private key'],
    [{ cert: certificate, key: privateKey }, 'the private key does not belong to the certificate'],
  ] as const;
  for (const [options, what] of rows) {
    const problem = contextProblem(options, what);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function contextProblem(options: SecureContextOptions, what: string): string | undefined {
  try {
    createSecureContext(options);
    return undefined;
  } catch (error) {
    return `${what}: ${(error as Error).message}`;
  }
}

function bundleProblem(ca: string): string | undefined {
  if (!ca.includes('-----BEGIN CERTIFICATE-----')) return 'the CA bundle has no PEM certificate';
  try {
    createSecureContext({ ca });
    return undefined;
  } catch (error) {
    return `the CA bundle cannot be used: ${(error as Error).message}`;
  }
}
