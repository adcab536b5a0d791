import type { TapNames } from './tap-names.ts';
import { addressOf, type TapPlace, type TapRow } from './tap-row.ts';

/** A row as a line of a terminal: time, kind, who, what, and where it went. */
export function tapText(row: TapRow, names: TapNames): string {
  const time = row.time.slice(11, 23);
  return printable(`${time}  ${row.kind.padEnd(10)}  ${details(row, names)}`);
}

/** A row as JSON: as it was told, with the names of what its addresses belong to. */
export function tapJson(row: TapRow, names: TapNames): string {
  const clientPod = names.pod(typeof row.client === 'string' ? row.client : row.client.ip);
  const endpoint =
    row.kind === 'connection' ? row.endpoint.ip : row.kind === 'request' ? addressOf(row.upstream ?? '') : '';
  const service = row.kind === 'connection' ? names.service(row.protocol, row.to) : undefined;
  // What is undefined is left out.
  return JSON.stringify({ ...row, clientPod, service, endpointPod: names.pod(endpoint) });
}

function details(row: TapRow, names: TapNames): string {
  switch (row.kind) {
    case 'request': {
      const { method = '-', host = '-', target = '', status, durationMs, backend, upstream, reason } = row;
      const words = [
        `${who(row.client, names)}  ${method} ${host}${target}  ${status === 0 ? 'no answer' : status}`,
        `${durationMs.toFixed(1)} ms`,
      ];
      if (backend !== undefined) words.push(`-> ${backend}`);
      if (upstream !== undefined) words.push(`-> ${names.pod(addressOf(upstream)) ?? upstream}`);
      if (reason !== undefined) words.push(`(${reason})`);
      return words.join('  ');
    }
    case 'query':
      return `${who(row.client, names)}  ${row.type} ${row.name}  ${row.answer}`;
    case 'connection': {
      const service = names.service(row.protocol, row.to);
      const to = `${row.protocol} ${placeText(row.to)}${service === undefined ? '' : ` ${service}`}`;
      const pod = names.pod(row.endpoint.ip);
      const end = `${placeText(row.endpoint)}${pod === undefined ? '' : ` ${pod}`}`;
      return `${who(row.client.ip, names)}  ${to}  -> ${end}`;
    }
  }
}

function who(address: string, names: TapNames): string {
  return names.pod(address) ?? address;
}

function placeText({ ip, port }: TapPlace): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/** Names come from clients: nothing of them may steer a terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '?');
}
