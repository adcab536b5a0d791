import { engine } from './engine-kind.ts';
import type { OcspResult, OcspStatus } from './ocsp.ts';
import type { ClientContextOptions, ServerContextOptions, TlsClientAuth } from './tls-context.ts';
import type { TlsSettings } from './tls-settings.ts';

/** A certificate and its rules, for one of the two engines. */
export interface AnyTlsContext {
  readonly role: 'server' | 'client';
  /** OCSP response that the next handshakes staple; absent where the engine cannot. */
  setStaple?(response: Uint8Array | undefined): void;
  /** Idempotent. Established sessions go on. */
  free(): void;
}

/** A context, or what is wrong with its PEM. */
export type AnyTlsContextResult =
  | { readonly ok: true; readonly context: AnyTlsContext }
  | { readonly ok: false; readonly problem: string };

/** Makes the contexts of this thread. */
export interface TlsContexts {
  server(options: ServerContextOptions): AnyTlsContextResult;
  client(options: ClientContextOptions): AnyTlsContextResult;
  /** What of the settings of a server is not understood. */
  settingsProblem(settings: TlsSettings): string | undefined;
  /** What is wrong with the revocation lists of client certificates. */
  revocationProblem(clientAuth: TlsClientAuth): string | undefined;
  /** When the first of some revocation lists expires, Unix ms; absent where the engine cannot tell. */
  revocationExpiry?(lists: Uint8Array): number | undefined;
  /** An OCSP request about the first certificate of a PEM chain; absent where the engine cannot staple. */
  createStatusRequest?(chain: string): OcspResult<Buffer>;
  /** An OCSP response about the first certificate of a PEM chain, with its signature checked. */
  readStaple?(response: Uint8Array, chain: string): OcspResult<OcspStatus>;
  /** Replaces the ticket keys, the present one first. */
  setTicketKeys(keys: readonly Uint8Array[]): void;
  /** Where contexts made from now on write the secrets of their sessions; absent where the engine cannot. */
  setKeyLogFile?(path: string): void;
}

/** Those of the engine that this process runs on. */
export const tlsContexts: TlsContexts = await load();

async function load(): Promise<TlsContexts> {
  if (engine.kind === 'node') return (await import('./node-tls-context.ts')).nodeTlsContexts;
  const [context, tickets, keyLog, ocsp, lists] = await Promise.all([
    import('./tls-context.ts'),
    import('./tls-tickets.ts'),
    import('./tls-key-log.ts'),
    import('./ocsp.ts'),
    import('./revocation-lists.ts'),
  ]);
  return {
    server: context.createServerContext,
    client: context.createClientContext,
    settingsProblem: context.serverSettingsProblem,
    revocationProblem: context.revocationProblem,
    revocationExpiry: lists.revocationListsExpiry,
    createStatusRequest: ocsp.createOcspRequest,
    readStaple: ocsp.readOcspResponse,
    setTicketKeys: tickets.setTicketKeys,
    setKeyLogFile: keyLog.setKeyLogFile,
  };
}
