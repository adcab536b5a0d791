import type { Duplex } from 'node:stream';
import { nodeHttp } from '../../sys/node-http.ts';
import type { ApiAnswer } from './api-request.ts';

/** Answers an upgrade request on its bare connection: with the other protocol, or as usual and the end. */
export function sendUpgrade(socket: Duplex, head: Buffer, answer: ApiAnswer): void {
  if (socket.destroyed) return;
  const lines = [`HTTP/1.1 ${answer.status} ${nodeHttp.STATUS_CODES[answer.status] ?? ''}`];
  const { upgrade } = answer;
  const body = upgrade === undefined ? Buffer.from(answer.body ?? '') : undefined;
  const headers: Record<string, string | readonly string[]> = { ...answer.headers };
  if (body !== undefined) Object.assign(headers, { 'content-length': String(body.length), connection: 'close' });
  for (const [name, value] of Object.entries(headers)) {
    for (const one of typeof value === 'string' ? [value] : value) lines.push(`${name}: ${one}`);
  }
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  if (upgrade !== undefined) upgrade(socket, head);
  else socket.end(body);
}
