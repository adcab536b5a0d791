import { openFrontendSocket } from '../packages/fairlead/src/services/userspace/listening-socket.ts';
import { UserspaceProxy } from '../packages/fairlead/src/services/userspace/proxy.ts';
import { systemClock } from '../packages/fairlead/src/sys/clock.ts';

// The userspace proxy that the l4-userspace benchmark measures: `l4-userspace-proxy.ts PORT ENDPOINT_PORT`.

const [port = 0, endpoint = 0] = process.argv.slice(2).map(Number);
const key = 'bench/web:80/TCP/IPv4';
const proxy = new UserspaceProxy({ clock: systemClock, log: (level, message) => console.error(level, message) });
const socket = openFrontendSocket('127.0.0.1', port, 'TCP');
if (typeof socket === 'number') throw new Error(`port ${port}: ${socket}`);
proxy.setPort(key, {
  key,
  portName: '',
  protocol: 'TCP',
  family: 'IPv4',
  port: 80,
  vips: [{ kind: 'clusterIP', ip: '127.0.0.1' }],
  internalTrafficPolicy: 'Cluster',
  externalTrafficPolicy: 'Cluster',
  clusterEndpoints: [{ ip: '127.0.0.1', port: endpoint, onThisNode: 'yes' }],
  localEndpoints: [],
});
proxy.open(key, { kind: 'clusterIP', address: '127.0.0.1' }, socket);
