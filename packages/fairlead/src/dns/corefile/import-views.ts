import { nameFromText } from '../../wire/dns/name.ts';
import { parseViewExpression, type ViewExpression } from '../views/view-expression.ts';
import type { ViewBlock, ViewZone } from '../views/view-plan.ts';
import { builtInDetail } from './built-in.ts';
import {
  type Block,
  type CorefileNote,
  type CorefileView,
  emptySettings,
  leftText,
  type MutableSettings,
  type Outcome,
} from './corefile-settings.ts';
import { importDirective } from './import-directive.ts';
import { importKubernetes } from './import-kubernetes.ts';
import type { CorefileDirective, CorefileServer } from './parse-corefile.ts';
import { serverAddresses } from './server-addresses.ts';

/** Directives that a block with a view may have for its own clients; others are for all or none. */
const ownDirectives: readonly string[] = [
  ...['forward', 'hosts', 'rewrite', 'template', 'acl', 'file', 'auto', 'secondary', 'root', 'import'],
];

const has = (server: CorefileServer, wanted: string): boolean => server.directives.some(({ name }) => name === wanted);

/** Whether a block is for some clients only. */
export function isWithView(server: CorefileServer): boolean {
  return has(server, 'view');
}

/**
 * Blocks with a `view`. Each becomes a view of its own; blocks without one are view 0 together, or a view without
 * condition when only blocks with a view have names of the cluster.
 */
export class CorefileViewsReader {
  /** Settings of the blocks without a view, when they are a view. */
  readonly plainSettings: MutableSettings = emptySettings();
  readonly isPlainAView: boolean;
  readonly #servers: readonly CorefileServer[];
  readonly #views: CorefileView[] = [];
  readonly #blocks: Map<string, ViewBlock[]> = new Map();
  readonly #notes: CorefileNote[] = [];

  constructor(servers: readonly CorefileServer[]) {
    this.#servers = servers.filter(({ addresses }) => addresses[0] !== 'import');
    const withView = this.#servers.filter(isWithView);
    const plain = this.#servers.filter((server) => !isWithView(server));
    const hasCluster = (server: CorefileServer): boolean => has(server, 'kubernetes');
    this.isPlainAView = withView.some(hasCluster) && plain.length > 0 && !plain.some(hasCluster);
  }

  /** Reads the blocks with a view into `settings`, which those without one have filled before. */
  read(settings: MutableSettings, readFile: Block['readFile']): readonly CorefileNote[] {
    if (!this.#servers.some(isWithView)) return [];
    const ports = new Set(this.#servers.flatMap((server) => serverAddresses(server).zones.map(({ port }) => port)));
    const plainView = this.isPlainAView ? this.#views.push({ ...this.plainSettings, hasCluster: false }) : 0;
    for (const server of this.#servers) {
      const found = isWithView(server)
        ? this.#readServer(server, settings, readFile)
        : { view: plainView, conditions: [] };
      if (found === undefined) continue;
      for (const { zone, port } of serverAddresses(server).zones) {
        const blocks = this.#blocks.get(zone) ?? [];
        this.#blocks.set(zone, blocks);
        // The port is told by --dns-listen; those of the Corefile only tell its blocks apart.
        blocks.push(ports.size > 1 ? { ...found, port } : found);
      }
    }
    const zones = [...this.#blocks].flatMap(([text, blocks]): ViewZone[] => {
      const zone = nameFromText(text);
      return zone === undefined ? [] : [{ zone, blocks }];
    });
    if (this.#views.length > 0) {
      settings.views = { zones: zones.sort((a, b) => b.zone.length - a.zone.length), views: this.#views };
    }
    return this.#notes;
  }

  #readServer(
    server: CorefileServer,
    settings: MutableSettings,
    readFile: Block['readFile'],
  ): Pick<ViewBlock, 'view' | 'conditions'> | undefined {
    const { zones, notes } = serverAddresses(server);
    this.#notes.push(...notes);
    if (zones.length === 0) return undefined;
    const conditions = readConditions(server.directives);
    if (typeof conditions === 'string') return this.#leaveOut(server, conditions);
    const own = emptySettings();
    const root = server.directives.find(({ name }) => name === 'root')?.args[0];
    const cluster = server.directives.find(({ name }) => name === 'kubernetes');
    const [clusterResult, clusterDetail] = importCluster(cluster, settings);
    const hasCluster = clusterResult === 'taken';
    const clusterDomain = hasCluster ? (settings.clusterDomain ?? 'cluster.local') : undefined;
    const block: Block = { zones: zones.map(({ zone }) => zone), root, clusterDomain, readFile };
    for (const directive of server.directives) {
      const [result, detail] =
        directive === cluster ? [clusterResult, clusterDetail] : importOwn(directive, block, own);
      this.#notes.push({ line: directive.line, directive: directive.name, result, detail });
    }
    return { view: this.#views.push({ ...own, hasCluster }), conditions };
  }

  /** What is meant for some clients must not become what all get, and what is to keep them out must not let them in. */
  #leaveOut(server: CorefileServer, problem: string): Pick<ViewBlock, 'view' | 'conditions'> | undefined {
    const { line = server.line, args = [] } = server.directives.find(({ name }) => name === 'view') ?? {};
    const isClosed = has(server, 'acl');
    const effect = isClosed ? ', and as it has an acl, all queries for its zones are refused instead' : '';
    const detail = `all of the block is left out${effect}: view ${args.join(' ')}: ${problem}`;
    this.#notes.push({ line, directive: 'view', result: 'ignored', detail });
    if (!isClosed) return undefined;
    const accessRules = [{ action: 'block' as const, zones: [Uint8Array.of(0)], types: [], networks: [] }];
    return { view: this.#views.push({ ...emptySettings(), accessRules, hasCluster: false }), conditions: [] };
  }
}

/** The conditions of all `view` lines of a block, which must all hold; a text says what is wrong. */
function readConditions(directives: readonly CorefileDirective[]): readonly ViewExpression[] | string {
  const conditions: ViewExpression[] = [];
  for (const { name, block } of directives) {
    if (name !== 'view') continue;
    if (block.length === 0) return 'has no expr';
    for (const line of block) {
      if (line.name !== 'expr') return `${line.name} is not known`;
      const parsed = parseViewExpression(line.args.join(' '));
      if (!parsed.ok) return parsed.problem;
      conditions.push(parsed.expression);
    }
  }
  return conditions;
}

function importOwn(directive: CorefileDirective, block: Block, settings: MutableSettings): Outcome {
  const { name, args } = directive;
  if (name === 'view') return ['taken', `clients of view ${args[0] ?? ''} get what this block has`];
  if (builtInDetail(directive) === undefined && !ownDirectives.includes(name)) {
    return ['ignored', 'not in a block with a view: it is for all clients or none'];
  }
  return importDirective(directive, block, settings);
}

/** `kubernetes` in a view: the same names as everywhere, or none. */
function importCluster(directive: CorefileDirective | undefined, settings: MutableSettings): Outcome {
  if (directive === undefined) return ['ignored', ''];
  const own = emptySettings();
  const outcome = importKubernetes(directive, own);
  const { clusterDomain, ttlSeconds, podRecords } = settings;
  if (clusterDomain === undefined) {
    // The first block that says it.
    Object.assign(settings, { clusterDomain: own.clusterDomain ?? 'cluster.local', ...settings, ...pickCluster(own) });
    return outcome;
  }
  if ((own.clusterDomain ?? clusterDomain) !== clusterDomain) return ['ignored', `only ${clusterDomain} is served`];
  const left = [
    ...(own.ttlSeconds === undefined || own.ttlSeconds === ttlSeconds ? [] : [`ttl ${own.ttlSeconds}`]),
    ...(own.podRecords === undefined || own.podRecords === podRecords ? [] : [`pods ${own.podRecords}`]),
  ];
  return ['taken', `names of ${clusterDomain}, as other clients have them${leftText(left)}`];
}

function pickCluster(own: MutableSettings): Partial<MutableSettings> {
  const { forwardRules: _, hosts: __, rewrites: ___, ...cluster } = own;
  return cluster;
}
