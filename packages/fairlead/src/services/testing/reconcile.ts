import { changedUdpFrontends, type ProgramChange, reconcileConntrack } from '../conntrack.ts';

// Runs inside a namespace of a test: netlink sockets belong to the namespace of their process.
const [changes = '[]', nodeIps = '[]'] = process.argv.slice(2);
const frontends = changedUdpFrontends(JSON.parse(changes) as ProgramChange[], JSON.parse(nodeIps) as string[]);
console.log(JSON.stringify(await reconcileConntrack(frontends)));
