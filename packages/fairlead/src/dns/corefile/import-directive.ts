import { parseNetwork } from '../address-networks.ts';
import { parseHosts } from '../compile-static.ts';
import { addressFamily, normalizeName } from '../owner-names.ts';
import type { RewriteRule } from '../rewrite-rules.ts';
import { builtInDetail, ignoredDetail } from './built-in.ts';
import { type Block, leftText, type MutableSettings, type Outcome } from './corefile-settings.ts';
import { importAccess } from './import-access.ts';
import { importForward } from './import-forward.ts';
import { importKubernetes, importMulticluster } from './import-kubernetes.ts';
import { importRewrite } from './import-rewrite.ts';
import { importSecondary, serverOf } from './import-secondary.ts';
import { importTemplate } from './import-template.ts';
import { type ImportedZoneFiles, importAuto, importFile } from './import-zone-files.ts';
import type { CorefileDirective } from './parse-corefile.ts';

/** Takes over what one directive says, and tells what became of it. */
export function importDirective(directive: CorefileDirective, block: Block, settings: MutableSettings): Outcome {
  const { zones, root } = block;
  const own = builtInDetail(directive);
  if (own !== undefined) return ['built in', own];
  switch (directive.name) {
    case 'kubernetes':
      return importKubernetes(directive, settings);
    case 'forward':
      return importForward(directive, block, settings);
    case 'hosts':
      return importHosts(directive, block, settings);
    case 'rewrite': {
      const rewrite = importRewrite(directive);
      if (!rewrite.ok) return ['ignored', rewrite.problem];
      const { rule } = rewrite;
      settings.rewrites = [...settings.rewrites, rule];
      return ['taken', `${rule.kind === 'exact' ? '' : `${rule.kind} `}${rule.from} is ${aliasText(rule)}`];
    }
    case 'template': {
      const imported = importTemplate(directive, zones);
      if (!imported.ok) return ['ignored', imported.problem];
      settings.templates = [...(settings.templates ?? []), imported.template];
      return ['taken', `names of ${imported.template.zones.join(', ')} that are not the cluster's`];
    }
    case 'health':
      return importHealth(directive, settings);
    case 'transfer':
      return importTransfer(directive, settings);
    case 'multicluster':
      return importMulticluster(directive.args, settings);
    case 'acl': {
      const { rules, zones: closed, problem } = importAccess(directive, zones);
      settings.accessRules = [...(settings.accessRules ?? []), ...rules];
      if (problem === undefined) return ['taken', `${rules.length} rules`];
      return ['ignored', `all queries for ${closed.join(', ')} are refused instead: ${problem}`];
    }
    case 'file':
    case 'auto': {
      const found = directive.name === 'file' ? importFile(directive, block) : importAuto(directive, block);
      return takeZoneFiles(found, settings);
    }
    case 'secondary': {
      const found = importSecondary(directive, block);
      if (!found.ok) return ['ignored', found.problem];
      settings.secondaries = [...(settings.secondaries ?? []), ...found.sources];
      return ['taken', `${found.text}${leftText(found.left)}`];
    }
    case 'root':
      return root === undefined ? ['ignored', 'names no folder'] : ['taken', `relative paths lie in ${root}`];
    case 'import':
      return ['ignored', importDetail(directive.args[0])];
    case 'k8s_external':
    case 'k8s_gateway':
      if (directive.args[0] === undefined) return ['ignored', 'names no zone'];
      settings.externalZone = normalizeName(directive.args[0]);
      return ['taken', `external zone ${settings.externalZone}${leftText(restOf(directive, 1))}`];
    case 'autopath':
      settings.completesSearch = true;
      return [
        'taken',
        `searches of Pods are completed${leftText(restOf(directive).filter((arg) => arg !== '@kubernetes'))}`,
      ];
    case 'log':
      settings.logQueries = true;
      return ['taken', `a sample of the queries is logged${leftText(restOf(directive).filter((arg) => arg !== '.'))}`];
    default:
      return ['ignored', ignoredDetail(directive.name)];
  }
}

function aliasText({ to, owners, values }: RewriteRule): string {
  const valueText = values === undefined ? '' : `, names in data ${values.from} as ${values.to}`;
  if (owners === undefined) return `an alias of ${to}${valueText}`;
  const ownerText = owners === 'asked' ? 'under the name asked for' : `owners ${owners.from} as ${owners.to}`;
  return `answered as ${to}, ${ownerText}${valueText}`;
}

function takeZoneFiles(found: ImportedZoneFiles, settings: MutableSettings): Outcome {
  if (!found.ok) return ['ignored', found.problem];
  const before = settings.zoneFiles ?? { files: [], directories: [] };
  settings.zoneFiles = {
    files: [...before.files, ...found.files],
    directories: [...before.directories, ...found.directories],
  };
  const taken = [
    ...found.files.map(({ origin, file }) => `zone ${origin} of ${file}`),
    ...found.directories.map(({ directory, prefix }) => `zones of ${directory}/${prefix}*`),
  ];
  return ['taken', `${taken.join(', ')}${leftText(found.left)}`];
}

/** `hosts [FILE [ZONE...]] { ADDRESS NAME... }`: the file's entries, then the block's. */
function importHosts(directive: CorefileDirective, { readFile }: Block, settings: MutableSettings): Outcome {
  const [first] = directive.args;
  const file = first?.includes('/') === true ? first : undefined;
  const content = file === undefined ? '' : readFile(file);
  if (content === undefined) return ['ignored', `${file} cannot be read`];
  const text = directive.block.map(({ name, args }) => [name, ...args].join(' ')).join('\n');
  const entries = [...parseHosts(content), ...parseHosts(text)];
  settings.hosts = [...settings.hosts, ...entries];
  const zones = directive.args.slice(file === undefined ? 0 : 1).map((zone) => `zone ${zone}`);
  const options = directive.block.flatMap(({ name, args }) =>
    addressFamily(name) === undefined && name !== 'fallthrough' && name !== 'reload' ? [[name, ...args].join(' ')] : [],
  );
  const rest = leftText([...zones, ...options]);
  return ['taken', `${entries.length} entries${file === undefined ? '' : ` of ${file}, as it is now`}${rest}`];
}

/** `lameduck 5s`: how long the server goes on when it is told to stop. */
function importHealth(directive: CorefileDirective, settings: MutableSettings): Outcome {
  const value = directive.block.find(({ name }) => name === 'lameduck')?.args[0];
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(value ?? '') ?? [];
  const left = leftText(restOf(directive).filter((text) => !text.startsWith('lameduck ')));
  if (number === '') return ['built in', `the role has its own health endpoint${left}`];
  settings.lameduckMs = Number(number) * ({ ms: 1, s: 1000, m: 60_000 }[unit] ?? 0);
  return ['taken', `lameduck ${value}: a leaving server waits so long for its successor${left}`];
}

function importTransfer(directive: CorefileDirective, settings: MutableSettings): Outcome {
  const targets = directive.block.flatMap(({ name, args }) => (name === 'to' ? args : []));
  const networks = targets.map((target) => serverOf(target)?.address ?? target);
  const good = networks.filter((network) => parseNetwork(network) !== undefined);
  if (good.length === 0) return ['ignored', 'names no address to transfer to'];
  settings.transferTo = [...(settings.transferTo ?? []), ...good];
  const notify = targets.flatMap((target) => serverOf(target) ?? []);
  if (notify.length > 0) settings.notify = [...(settings.notify ?? []), ...notify];
  const left = [
    ...directive.args.map((zone) => `zone ${zone} alone`),
    ...directive.block.flatMap(({ name, args }) => (name === 'to' ? [] : [[name, ...args].join(' ')])),
  ];
  const bad = networks.filter((network) => !good.includes(network));
  return [
    'taken',
    `zones may be transferred to ${good.join(', ')}; addresses are notified${leftText([...bad, ...left])}`,
  ];
}

/** What stands behind the first `taken` arguments of a directive, and in its block. */
function restOf({ args, block }: CorefileDirective, taken = 0): string[] {
  return [...args.slice(taken), ...block.map((line) => [line.name, ...line.args].join(' '))];
}

/** Why an import of files is not one. */
export function importDetail(name: string | undefined): string {
  return `only snippets are imported, no files (${name ?? ''}): put their lines into the Corefile`;
}
