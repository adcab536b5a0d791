import { engine } from './engine-kind.ts';
import type { ClientContextOptions, ServerContextOptions } from './tls-context.ts';

/** A certificate and its rules, for one of the two engines. */
export interface AnyTlsContext {
  readonly role: 'server' | 'client';
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
  /** Replaces the ticket keys, the present one first. */
  setTicketKeys(keys: readonly Uint8Array[]): void;
}

/** Those of the engine that this process runs on. */
export const tlsContexts: TlsContexts = await load();

async function load(): Promise<TlsContexts> {
  if (engine.kind === 'node') return (await import('./node-tls-context.ts')).nodeTlsContexts;
  const [{ createClientContext, createServerContext }, { setTicketKeys }] = await Promise.all([
    import('./tls-context.ts'),
    import('./tls-tickets.ts'),
  ]);
  return { server: createServerContext, client: createClientContext, setTicketKeys };
}
