import { ECONNRESET, EPROTO, errnoOfName } from '../sys/errno.ts';

/** The negative Linux errno of an error of node:net, node:tls or node:dgram; -EPROTO for what TLS refuses. */
export function negativeErrno(error: unknown): number {
  const { code } = error as { readonly code?: unknown };
  if (typeof code !== 'string') return -EPROTO;
  return -(errnoOfName(code) ?? (code.startsWith('ERR_STREAM') ? ECONNRESET : EPROTO));
}
