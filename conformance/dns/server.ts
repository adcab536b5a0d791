/** A DNS server of the product with a few fixed names, for resolvers of other languages. Prints its address. */
import {
  compileApexRecords,
  compileServiceRecords,
  compileSliceRecords,
} from '../../packages/fairlead/src/dns/compile.ts';
import { makeService, makeSlice } from '../../packages/fairlead/src/dns/dns-fixtures.ts';
import { clusterZone } from '../../packages/fairlead/src/dns/program.ts';
import { DnsServer } from '../../packages/fairlead/src/dns/server/dns-server.ts';
import { systemClock, systemRandom } from '../../packages/fairlead/src/sys/clock.ts';

const zone = clusterZone('cluster.local', 5);
const options = { zone: zone.origin, ttlSeconds: 5 };
const server = new DnsServer({
  zone,
  listen: [{ family: 'ipv4', address: '127.0.0.1', port: 0 }],
  upstreams: [],
  workers: 2,
  clock: systemClock,
  random: systemRandom,
  log: () => {},
});
server.setSource('zone', compileApexRecords(zone, ['10.96.0.10'], options));
server.setSource('web', compileServiceRecords(makeService('shop/web', ['10.96.0.1', 'fd00::1']), [], options));
server.setSource('v4', compileServiceRecords(makeService('shop/v4', ['10.96.0.2']), [], options));
const db = makeService('shop/db', ['None']);
const slice = makeSlice('shop/db', 's', ['10.244.0.1=db-0', '10.244.0.2=db-1']);
server.setSource('db', compileServiceRecords(db, [slice], options));
server.setSource('db-slice', compileSliceRecords(db, slice, options));
const many = Array.from({ length: 1000 }, (_, index) => `10.245.${index >> 8}.${index & 255}`);
server.setSource(
  'big',
  compileServiceRecords(makeService('shop/big', ['None'], []), [makeSlice('shop/big', 's', many, [])], options),
);
const spec = { type: 'ExternalName' as const, externalName: 'web.shop.svc.cluster.local' };
server.setSource('alias', compileServiceRecords({ metadata: { namespace: 'shop', name: 'alias' }, spec }, [], options));
server.markSynced();
await server.start();
console.log(`127.0.0.1:${server.addresses[0]!.port}`);
process.on('SIGTERM', () => void server.stop());
