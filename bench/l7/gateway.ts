import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { NAMED_LOG_FORMATS } from '../../packages/fairlead/src/gateway/access-log/log-format.ts';
import { LogOutput } from '../../packages/fairlead/src/gateway/access-log/log-output.ts';
import { startGateway } from '../../packages/fairlead/src/gateway/start.ts';
import type { RouteFilter } from '../../packages/fairlead/src/routing/route-filters.ts';
import type { Route, RouteTableDiff, VirtualHost } from '../../packages/fairlead/src/routing/route-table.ts';
import { systemClock } from '../../packages/fairlead/src/sys/clock.ts';

// The gateway that the l7 benchmarks measure: `gateway.ts PORT UPSTREAM_PORT http1|h2c [CERTIFICATE KEY] [--gzip] [--access-log FILE]`.

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { gzip: { type: 'boolean', default: false }, 'access-log': { type: 'string' } },
});
const [port = 0, upstream = 0] = positionals.slice(0, 2).map(Number);
const [upstreamProtocol, certificateFile, keyFile] = positionals.slice(2);
const protocol = certificateFile === undefined ? 'http' : 'https';

// zlib's level 5.
const compress: RouteFilter = {
  type: 'compress',
  codings: ['gzip'],
  types: ['text/*'],
  minBytes: 1024,
  level: 'balanced',
};
const route = (path: string): Route => ({
  source: { kind: 'Ingress', namespace: 'shop', name: 'shop', field: `spec.rules ${path}` },
  match: { path: { type: 'prefix', value: path }, headers: [], query: [] },
  action: { type: 'forward', backends: [{ backend: 'shop/web:80', weight: 1 }] },
  requestHeaders: { set: [['x-route', 'shop']], add: [], remove: [] },
  responseHeaders: { set: [['x-served-by', 'edge']], add: [], remove: ['server'] },
  timeouts: { requestMs: 'off', connectMs: 5000, idleMs: 60_000 },
  ...(values.gzip ? { filters: [compress] } : {}),
});
const host = (hostname: string, paths: readonly string[]): readonly [string, VirtualHost] => [
  `http|${hostname}`,
  { listener: 'http', hostname, routes: paths.map(route) },
];
const hosts = [...Array(9).keys()].map((i) => host(`site-${i}.example`, ['/']));
const table: RouteTableDiff = {
  listeners: [['http', { name: 'http', protocol, address: '127.0.0.1', port }]],
  hosts: [...hosts, host('shop.example', ['/api', '/cart', '/']), host('*', ['/'])],
  certificates:
    certificateFile === undefined || keyFile === undefined
      ? []
      : [
          [
            'shop/edge',
            {
              key: 'shop/edge',
              hosts: ['shop.example', '*'],
              certificate: readFileSync(certificateFile, 'utf8'),
              privateKey: readFileSync(keyFile, 'utf8'),
            },
          ],
        ],
  backends: [
    [
      'shop/web:80',
      {
        key: 'shop/web:80',
        protocol: upstreamProtocol === 'h2c' ? 'h2c' : 'http1',
        balance: 'least-request',
        endpoints: [{ address: '127.0.0.1', port: upstream, weight: 1 }],
      },
    ],
  ],
};

const log = values['access-log'] === undefined ? undefined : new LogOutput(values['access-log'], systemClock, () => {});
const gateway = await startGateway({
  ...(log === undefined
    ? {}
    : {
        accessLog: (lines: string) => log.write(lines),
        accessLogRules: { format: NAMED_LOG_FORMATS.combined! },
      }),
  workers: 1,
  clock: systemClock,
  log: (level, message, fields) => {
    if (level === 'warn' || level === 'error') process.stderr.write(`${message} ${JSON.stringify(fields ?? {})}\n`);
  },
});
await gateway.applyRoutes(table);
process.on('SIGTERM', () => {
  void gateway.stop({ drainMs: 100 }).then(() => process.exit(0));
});
