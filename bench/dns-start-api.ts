/**
 * What a DNS server asks an API server for at its start, as a process of its own: lists of Services, slices and
 * namespaces, in pages, over HTTP/2 and TLS; watches stay open. Arguments: key file, certificate file, endpoints,
 * endpoints per Service. Prints `ready PORT`.
 */
import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { endpointSlice, headlessService, perSlice } from './dns-slices.ts';

const [keyFile = '', certFile = '', endpointsText = '250000', perServiceText = '100'] = process.argv.slice(2);
const perService = Number(perServiceText);
const services = Math.ceil(Number(endpointsText) / perService);
const slicesPerService = Math.ceil(perService / perSlice);
const stored = <T extends object>(kind: object, object: T): string => JSON.stringify({ ...kind, ...object });
const lists: Readonly<Record<string, readonly string[]>> = {
  '/api/v1/services': Array.from({ length: services }, (_, number) =>
    stored({ apiVersion: 'v1', kind: 'Service' }, headlessService(number)),
  ),
  '/apis/discovery.k8s.io/v1/endpointslices': Array.from({ length: services * slicesPerService }, (_, number) =>
    stored({}, endpointSlice(Math.floor(number / slicesPerService), number % slicesPerService, perService)),
  ),
  '/api/v1/namespaces': Array.from({ length: 20 }, (_, number) =>
    stored(
      { apiVersion: 'v1', kind: 'Namespace' },
      { metadata: { name: `team-${number}`, uid: `n-${number}`, resourceVersion: '1' } },
    ),
  ),
};
/** Pages by their size, made once: what is measured is not this server. */
const pages = new Map<string, Buffer>();

function page(path: string, items: readonly string[], from: number, limit: number): Buffer {
  const key = `${path} ${from} ${limit}`;
  const known = pages.get(key);
  if (known !== undefined) return known;
  const rest = from + limit < items.length ? { continue: String(from + limit) } : {};
  const metadata = JSON.stringify({ resourceVersion: '1000000000', ...rest });
  const kind = path.endsWith('slices') ? 'EndpointSliceList' : 'List';
  const body = Buffer.from(
    `{"kind":"${kind}","apiVersion":"v1","metadata":${metadata},"items":[${items.slice(from, from + limit).join(',')}]}\n`,
  );
  pages.set(key, body);
  return body;
}

for (const [path, items] of Object.entries(lists)) {
  for (let from = 0; from < items.length; from += 500) page(path, items, from, 500);
}
// Whole pages wait to be sent.
const limits = { maxSessionMemory: 1024 };
const files = { key: readFileSync(keyFile), cert: readFileSync(certFile) };
const server = createSecureServer({ ...files, ...limits }, (request, response) => {
  const url = new URL(request.url, 'https://api');
  const items = lists[url.pathname];
  response.setHeader('content-type', 'application/json');
  if (items === undefined) {
    response.statusCode = 404;
    response.end(
      JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 }),
    );
  } else if (url.searchParams.get('watch') === 'true') response.writeHead(200);
  else {
    const limit = Number(url.searchParams.get('limit') ?? items.length);
    response.end(page(url.pathname, items, Number(url.searchParams.get('continue') ?? 0), limit));
  }
});
server.listen(0, '127.0.0.1', () => console.log(`ready ${(server.address() as AddressInfo).port}`));
process.on('SIGTERM', () => process.exit(0));
