import type { EndpointSlice, Ingress, IngressClass, Service, Stored } from '@fairlead/api';
import { startGateway } from '../../packages/fairlead/src/gateway/start.ts';
import { RouteTableBuilder } from '../../packages/fairlead/src/routing/build-route-table.ts';
import { FakeSource } from '../../packages/fairlead/src/routing/fake-source.ts';
import type { RouteListener } from '../../packages/fairlead/src/routing/route-table.ts';
import { ingress, ingressClass, service, slice } from '../../packages/fairlead/src/routing/routing-fixtures.ts';
import { systemClock } from '../../packages/fairlead/src/sys/clock.ts';
import { freePort } from '../../packages/fairlead/src/sys/testing/free-ports.ts';
import { printTable, quantile } from '../table.ts';

const WORKERS = 2;
const WARM_UP_CHANGES = 40;
const CHANGES = 40;
/** Between two changes: each is one by itself. */
const PAUSE_MS = 5;
const SLICE_ENDPOINTS = 100;

/** The objects that a gateway's routes are made of. */
class Sources {
  readonly ingresses = new FakeSource<Ingress>();
  readonly ingressClasses = new FakeSource<IngressClass>();
  readonly services = new FakeSource<Service>();
  readonly endpointSlices = new FakeSource<EndpointSlice>();
}

/** Objects to begin with, and what changes among them. */
interface Shape {
  readonly name: string;
  fill(sources: Sources): void;
  change(sources: Sources, round: number): void;
}

/** `paths` paths of one Ingress; the first one is another in each version. */
function ingressOf(index: number, host: string, paths: number, version: number): Stored<Ingress> {
  const texts = Array.from({ length: paths }, (_, at) =>
    at === 0 ? `Prefix /i${index}/v${version} web` : `Prefix /i${index}/p${at} web`,
  );
  return ingress(`i${index}`, { [host]: texts });
}

function routesShape(ingresses: number, paths: number, hostOf: (index: number) => string, what: string): Shape {
  return {
    name: `one of ${(ingresses * paths).toLocaleString('en-US')} routes, ${what}`,
    fill({ ingresses: source }) {
      source.set(...Array.from({ length: ingresses }, (_, index) => ingressOf(index, hostOf(index), paths, 0)));
    },
    change({ ingresses: source }, round) {
      const index = (round * 7) % ingresses;
      source.set(ingressOf(index, hostOf(index), paths, round + 1));
    },
  };
}

/** Slice `part` of a Service, without endpoint `absent` if that is one of it. */
function sliceOf(name: string, index: number, part: number, endpoints: number, absent: number): Stored<EndpointSlice> {
  const first = part * SLICE_ENDPOINTS;
  const length = Math.min(SLICE_ENDPOINTS, endpoints - first);
  const addresses = Array.from({ length }, (_, at) => first + at)
    .filter((at) => at !== absent)
    .map((at) => `${10 + (index >> 8)}.${index & 255}.${at >> 8}.${at & 255}`);
  return slice(name, addresses, { suffix: `${part}` });
}

function endpointsShape(services: number, endpoints: number): Shape {
  const parts = Math.ceil(endpoints / SLICE_ENDPOINTS);
  const names = Array.from({ length: services }, (_, index) => `s${index}`);
  return {
    name: `one of ${(services * endpoints).toLocaleString('en-US')} endpoints, ${services.toLocaleString('en-US')} Services`,
    fill({ ingresses, services: source, endpointSlices }) {
      source.set(...names.map((name) => service(name)));
      for (const [index, name] of names.entries()) {
        for (let part = 0; part < parts; part++) endpointSlices.set(sliceOf(name, index, part, endpoints, -1));
      }
      ingresses.set(...names.map((name) => ingress(name, { [`${name}.example`]: [`Prefix / ${name}`] })));
    },
    change({ endpointSlices }, round) {
      // It leaves, and comes back.
      const index = ((round >> 1) * 7) % services;
      const absent = ((round >> 1) * 13) % endpoints;
      const part = Math.floor(absent / SLICE_ENDPOINTS);
      endpointSlices.set(sliceOf(names[index]!, index, part, endpoints, round % 2 === 0 ? absent : -1));
    },
  };
}

const SHAPES: readonly Shape[] = [
  routesShape(500, 10, (index) => `site-${index}.example`, '500 hosts'),
  routesShape(500, 10, () => 'site.example', 'one host'),
  endpointsShape(1000, 10),
  endpointsShape(10, 1000),
  endpointsShape(1, 10_000),
];

/**
 * What one change costs: from an object's event to the difference of the table, and from there until all workers run
 * it. CPU is that of all threads.
 */
export async function printChangeCosts(): Promise<void> {
  const rows: (string | number)[][] = [];
  for (const shape of SHAPES) rows.push(await measure(shape));
  printTable(
    `One change, ${WORKERS} workers without requests`,
    ['what changes', 'compile CPU ms', 'install CPU ms', 'until all run it ms p50', 'p99'],
    rows,
  );
}

async function measure(shape: Shape): Promise<(string | number)[]> {
  const sources = new Sources();
  sources.ingressClasses.set(ingressClass('/fairlead'));
  sources.services.set(service('web'));
  sources.endpointSlices.set(slice('web', ['10.0.0.1']));
  shape.fill(sources);
  const listeners: RouteListener[] = [{ name: 'http', protocol: 'http', address: '127.0.0.1', port: await freePort() }];
  const builder = new RouteTableBuilder(sources, listeners, 'fairlead', () => {});
  const gateway = await startGateway({ workers: WORKERS, clock: systemClock, log: () => {} });
  try {
    await gateway.applyRoutes(builder.flush().diff);
    const times: number[] = [];
    let [compileUs, installUs] = [0, 0];
    for (let round = 0; round < WARM_UP_CHANGES + CHANGES; round++) {
      await systemClock.sleep(PAUSE_MS);
      const began = performance.now();
      const cpu = process.cpuUsage();
      shape.change(sources, round);
      const { diff } = builder.flush();
      const compiled = process.cpuUsage(cpu);
      await gateway.applyRoutes(diff);
      const installed = process.cpuUsage(cpu);
      if (round < WARM_UP_CHANGES) continue;
      compileUs += compiled.user + compiled.system;
      installUs += installed.user + installed.system - compiled.user - compiled.system;
      times.push(performance.now() - began);
    }
    return [
      shape.name,
      compileUs / 1000 / CHANGES,
      installUs / 1000 / CHANGES,
      quantile(times, 0.5),
      quantile(times, 0.99),
    ];
  } finally {
    builder.stop();
    await gateway.stop({ drainMs: 0 });
  }
}
