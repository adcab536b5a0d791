import { execFileSync } from 'node:child_process';
import type { EndpointSlice, Service, Stored } from '@fairlead/api';
import { systemClock } from '../../sys/clock.ts';
import { NETLINK_NETFILTER, netlinkMessage, openNetlink } from '../../sys/netlink.ts';
import { decodeSetElements, getSetElementsMessage, setElementsRequest } from '../../wire/nft/set-elements.ts';
import { createNftApplier } from '../apply-nft.ts';
import { compileService } from '../compile.ts';
import { createNativeLoad, nativeShapes } from '../native-load.ts';
import { createRunNft } from '../nft-command.ts';
import type { ServiceProgram } from '../program.ts';
import { scene, sceneService } from './traffic-matrix.ts';

/** What one set held after both ways of loading: how many elements, and how many that the other did not have. */
export interface ComparedSet {
  readonly name: string;
  readonly elements: number;
  readonly different: number;
}

const node = { nodeName: scene.nodeName, nodeIps: [...scene.nodeIps] };

function slice(name: string, family: 'IPv4' | 'IPv6', port: number, protocol: 'TCP' | 'UDP' | 'SCTP'): EndpointSlice {
  const ips =
    family === 'IPv4' ? ['10.244.1.3', '10.244.2.255', '250.1.0.9'] : ['fd00::1:3', '2001:db8::ff', 'fd00:0:0:1::'];
  return {
    metadata: { name: `${name}-${family}`, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
    addressType: family,
    ports: [{ name: '', port, protocol }],
    endpoints: ips.map((ip, index) => ({
      addresses: [ip],
      conditions: { ready: true },
      nodeName: index === 0 ? scene.nodeName : 'there',
    })),
  };
}

/** Services that put something into each of the sets. */
function programs(): Map<string, ServiceProgram> {
  const made = new Map<string, ServiceProgram>();
  let number = 0;
  const add = (
    spec: NonNullable<Service['spec']>,
    annotations: Record<string, string> = {},
    endpoints: 'both' | 'remote' | 'none' = 'both',
  ): void => {
    for (const protocol of ['TCP', 'UDP', 'SCTP'] as const) {
      const name = `s${++number}`;
      const base = sceneService(name, { ...spec, clusterIP: `10.96.0.${number}` });
      const service: Stored<Service> = {
        ...base,
        metadata: { ...base.metadata, annotations },
        spec: {
          ...base.spec,
          clusterIPs: [`10.96.0.${number}`, `fd00:96::${number.toString(16)}`],
          ipFamilies: ['IPv4', 'IPv6'],
          externalIPs: [`203.0.113.${number}`, `2001:db8:1::${number}`],
          ports: [{ port: 53 + number * 256, protocol, nodePort: 30_000 + number, targetPort: 8080 }],
        },
      };
      const slices = (['IPv4', 'IPv6'] as const).map((family) => {
        const all = slice(name, family, 8000 + number, protocol);
        const from = endpoints === 'both' ? 0 : endpoints === 'remote' ? 1 : all.endpoints.length;
        return { ...all, endpoints: all.endpoints.slice(from) };
      });
      const { program } = compileService(service, slices, node);
      if (program !== undefined) made.set(program.key, program);
    }
  };
  add({ type: 'NodePort' });
  add({ type: 'NodePort', externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local' });
  add({ type: 'NodePort', sessionAffinity: 'ClientIP' });
  add({ type: 'NodePort' }, { 'fairlead.dev/load-balancing': 'maglev' });
  add({ type: 'NodePort', externalTrafficPolicy: 'Local' }, {}, 'remote');
  add({ type: 'NodePort' }, {}, 'none');
  return made;
}

async function readSets(family: 'ip' | 'ip6', table: string): Promise<Map<string, string[]>> {
  const sets = new Map<string, string[]>();
  for (const name of nativeShapes.keys()) {
    const netlink = openNetlink(NETLINK_NETFILTER);
    if (typeof netlink === 'number') throw new Error(`netlink: ${netlink}`);
    const found: string[] = [];
    const request = netlinkMessage(getSetElementsMessage, 1 | 0x300, setElementsRequest(family, table, name));
    const errno = await netlink.request(request, (_, payload) => {
      for (const { key, data } of decodeSetElements(payload)) {
        found.push(`${key.toString('hex')} ${data.toString('hex')}`);
      }
    });
    netlink.close();
    if (errno < 0) throw new Error(`${family} ${table} ${name}: ${errno}`);
    sets.set(`${family} ${name}`, found.sort());
  }
  return sets;
}

async function load(nativeFrom: number): Promise<Map<string, string[]>> {
  const native = createNativeLoad();
  const applier = createNftApplier({
    podCidrs: scene.podCidrs,
    serviceCidrs: scene.serviceCidrs,
    nodePorts: true,
    runNft: createRunNft(),
    clock: systemClock,
    log: (level, message, detail) => {
      throw new Error(`${level} ${message} ${JSON.stringify(detail)}`);
    },
    native,
    nativeFrom,
  });
  await applier.apply(programs());
  const sets = new Map<string, string[]>();
  for (const family of ['ip', 'ip6'] as const) {
    const table = await native.liveTable(family);
    if (table === undefined) throw new Error(`no table of family ${family}`);
    for (const [name, elements] of await readSets(family, table)) sets.set(name, elements);
  }
  await applier.remove();
  const left = execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' }).trim();
  if (left !== '') throw new Error(`left: ${left}`);
  return sets;
}

if (process.argv[1] === import.meta.filename) {
  const byText = await load(Number.POSITIVE_INFINITY);
  const natively = await load(0);
  const compared = [...natively].map(([name, elements]): ComparedSet => {
    const known = new Set(byText.get(name));
    const missing = known.size - elements.length;
    const different = elements.filter((element) => !known.has(element)).length + Math.abs(missing);
    return { name, elements: elements.length, different };
  });
  console.log(JSON.stringify(compared));
}
