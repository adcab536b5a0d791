import { formatQuantity, parseQuantity } from '@fairlead/api/quantity';
import { amountsOf, podResources } from '@fairlead/api/quota/pod-resources';
import type { RestContext } from '../rest/rest-context.ts';
import { qosClass } from '../rest/strategy.ts';
import { forbidden } from '../server/status-error.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import type { ServedResource } from './served-resources.ts';

type Json = Readonly<Record<string, unknown>>;

const annotation = 'kubernetes.io/limit-ranger';
const lists = [
  ['containers', 'container'],
  ['initContainers', 'init container'],
] as const;

/** Gives the containers of a new Pod the defaults of its namespace (admission plugin LimitRanger). Changes `pod`. */
export function applyLimits(context: RestContext, resource: ServedResource, pod: KubeObject): void {
  if (!isPod(resource)) return;
  for (const range of limitsOf(context, pod)) {
    const notes: string[] = [];
    for (const limit of range.filter(({ type }) => type === 'Container')) {
      const spec = { ...recordOf(pod.spec) };
      pod.spec = spec;
      for (const [list, called] of lists) {
        if (!Array.isArray(spec[list])) continue;
        spec[list] = (spec[list] as unknown[]).map((item) => {
          const container = recordOf(item) ?? {};
          const resources = { ...recordOf(container.resources) };
          for (const [kind, defaults, word] of [
            ['requests', limit.defaultRequest, 'request'],
            ['limits', limit.default, 'limit'],
          ] as const) {
            const own = recordOf(resources[kind]) ?? {};
            const added = Object.keys(recordOf(defaults) ?? {}).filter((name) => own[name] === undefined);
            if (added.length === 0) continue;
            resources[kind] = { ...own, ...Object.fromEntries(added.map((name) => [name, recordOf(defaults)![name]])) };
            notes.push(`${added.sort().join(', ')} ${word} for ${called} ${String(container.name)}`);
          }
          return { ...container, resources };
        });
      }
    }
    if (notes.length > 0) {
      pod.status = { ...recordOf(pod.status), qosClass: qosClass(pod) };
      pod.metadata.annotations = {
        ...pod.metadata.annotations,
        [annotation]: `LimitRanger plugin set: ${notes.join('; ')}`,
      };
    }
  }
}

/** Checks a new Pod or claim against the bounds of its namespace. @throws StatusError 403 */
export function checkLimits(context: RestContext, resource: ServedResource, pod: KubeObject): void {
  if (isClaim(resource)) checkClaim(context, resource, pod);
  if (!isPod(resource)) return;
  const problems: string[] = [];
  for (const range of limitsOf(context, pod)) {
    for (const limit of range) {
      if (limit.type === 'Pod') {
        problems.push(...violations('Pod', limit, podResources(pod, 'requests'), podResources(pod, 'limits')));
      } else if (limit.type === 'Container') {
        const spec = recordOf(pod.spec) ?? {};
        for (const [list] of lists) {
          for (const item of Array.isArray(spec[list]) ? (spec[list] as unknown[]) : []) {
            const resources = recordOf(recordOf(item)?.resources) ?? {};
            problems.push(
              ...violations('Container', limit, amountsOf(resources.requests), amountsOf(resources.limits)),
            );
          }
        }
      }
    }
    if (problems.length > 0) break;
  }
  refuse(resource, pod, problems);
}

function refuse(resource: ServedResource, object: KubeObject, problems: readonly string[]): void {
  if (problems.length === 0) return;
  const text = problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`;
  throw forbidden(resource, object.metadata.name ?? '', text);
}

/** What a claim asks for must be within the bounds; it has no limits of its own. */
function checkClaim(context: RestContext, resource: ServedResource, claim: KubeObject): void {
  const requests = amountsOf(recordOf(recordOf(claim.spec)?.resources)?.requests);
  for (const range of limitsOf(context, claim)) {
    const problems = range
      .filter(({ type }) => type === 'PersistentVolumeClaim')
      .flatMap(({ min, max }) => [
        ...violations('PersistentVolumeClaim', { min }, requests, new Map()),
        ...claimMaxima(recordOf(max) ?? {}, requests),
      ]);
    refuse(resource, claim, problems);
  }
}

function claimMaxima(max: Json, requests: ReadonlyMap<string, bigint>): string[] {
  return Object.entries(max).flatMap(([name, bound]) => {
    const head = `maximum ${name} usage per PersistentVolumeClaim is ${String(bound)}`;
    const request = requests.get(name);
    if (request === undefined) return [`${head}.  No request is specified`];
    return request > (parseQuantity(String(bound))?.nano ?? 0n)
      ? [`${head}, but request is ${quantity(request, name)}`]
      : [];
  });
}

function violations(
  type: string,
  limit: Json,
  requests: ReadonlyMap<string, bigint>,
  limits: ReadonlyMap<string, bigint>,
): string[] {
  const problems: string[] = [];
  const shown = (amounts: ReadonlyMap<string, bigint>, name: string): string => quantity(amounts.get(name)!, name);
  for (const [name, bound] of Object.entries(recordOf(limit.min) ?? {})) {
    const least = parseQuantity(String(bound))?.nano ?? 0n;
    const head = `minimum ${name} usage per ${type} is ${String(bound)}`;
    if (!requests.has(name)) problems.push(`${head}.  No request is specified`);
    else if (requests.get(name)! < least) problems.push(`${head}, but request is ${shown(requests, name)}`);
    else if (limits.has(name) && limits.get(name)! < least)
      problems.push(`${head}, but limit is ${shown(limits, name)}`);
  }
  for (const [name, bound] of Object.entries(recordOf(limit.max) ?? {})) {
    const most = parseQuantity(String(bound))?.nano ?? 0n;
    const head = `maximum ${name} usage per ${type} is ${String(bound)}`;
    if (!limits.has(name)) problems.push(`${head}.  No limit is specified`);
    else if (limits.get(name)! > most) problems.push(`${head}, but limit is ${shown(limits, name)}`);
    else if (requests.has(name) && requests.get(name)! > most) {
      problems.push(`${head}, but request is ${shown(requests, name)}`);
    }
  }
  for (const [name, bound] of Object.entries(recordOf(limit.maxLimitRequestRatio) ?? {})) {
    const most = Number(parseQuantity(String(bound))?.nano ?? 0n) / 1e9;
    const head = `${name} max limit to request ratio per ${type} is ${String(bound)}`;
    const [request, held] = [Number(requests.get(name) ?? 0n), Number(limits.get(name) ?? 0n)];
    if (request === 0) problems.push(`${head}, but no request is specified or request is 0`);
    else if (held === 0) problems.push(`${head}, but no limit is specified or limit is 0`);
    else if (held / request > most) problems.push(`${head}, but provided ratio is ${(held / request).toFixed(6)}`);
  }
  return problems;
}

function quantity(nano: bigint, name: string): string {
  return formatQuantity({ nano, format: name === 'cpu' ? 'decimal' : 'binary' });
}

/** The limits of each LimitRange of the Pod's namespace. */
function limitsOf(context: RestContext, { metadata }: KubeObject): Json[][] {
  const { prefix } = context.served.find('', 'v1', 'limitranges')!;
  const cache = context.cache.resource(prefix);
  if (cache.size === 0) return [];
  return cache.list(metadata.namespace ?? '').map(({ object }) => {
    const limits = recordOf(object.spec)?.limits;
    return Array.isArray(limits) ? (limits as unknown[]).map((limit) => recordOf(limit) ?? {}) : [];
  });
}

function isClaim(resource: ServedResource): boolean {
  return resource.kind === 'PersistentVolumeClaim' && resource.group === '';
}

function isPod(resource: ServedResource): boolean {
  return resource.kind === 'Pod' && resource.group === '';
}
