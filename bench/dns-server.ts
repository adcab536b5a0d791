/**
 * The DNS server of the product with a made-up program, as a process of its own: what bench/dns.ts measures.
 * Arguments: port, number of names, number of workers, port of an upstream. Prints `ready` when it serves.
 */
import { compileApexRecords, compileServiceRecords } from '../packages/fairlead/src/dns/compile.ts';
import { clusterZone } from '../packages/fairlead/src/dns/program.ts';
import { DnsServer } from '../packages/fairlead/src/dns/server/dns-server.ts';
import { systemClock, systemRandom } from '../packages/fairlead/src/sys/clock.ts';

const [port = '0', names = '1000', workers = '1', upstreamPort] = process.argv.slice(2);
const zone = clusterZone('cluster.local', 5);
const options = { zone: zone.origin, ttlSeconds: 5 };
const server = new DnsServer({
  zone,
  listen: [{ family: 'ipv4', address: '127.0.0.1', port: Number(port) }],
  upstreams: upstreamPort === undefined ? [] : [{ address: '127.0.0.1', port: Number(upstreamPort) }],
  workers: Number(workers),
  clock: systemClock,
  random: systemRandom,
  log: (level, message, fields) => console.error(level, message, fields),
});
server.setSource('zone', compileApexRecords(zone, ['10.96.0.10'], options));
for (let index = 0; index < Number(names); index++) {
  const service = {
    metadata: { name: `svc${index}`, namespace: 'default' },
    spec: {
      clusterIPs: [`10.${96 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`],
      ports: [{ name: 'http', port: 80 }],
    },
  };
  server.setSource(`service/default/svc${index}`, compileServiceRecords(service, [], options));
}
server.markSynced();
await server.start();
console.log('ready');
process.on('SIGTERM', () => void server.stop().then(() => process.exit(0)));
