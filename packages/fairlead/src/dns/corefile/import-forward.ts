import { parseUpstream } from '../forward/upstream-address.ts';
import { normalizeName } from '../owner-names.ts';
import { type Block, leftText, type MutableSettings, type Outcome } from './corefile-settings.ts';
import type { CorefileDirective } from './parse-corefile.ts';

/** Lines of `forward` that are taken, or that say what is done in any case. */
const forwardLines: readonly string[] = ['tls_servername', 'max_concurrent', 'except', 'max_fails', 'failover'];

/** `forward FROM TO... { … }` */
export function importForward(
  directive: CorefileDirective,
  { zones, clusterDomain }: Pick<Block, 'zones' | 'clusterDomain'>,
  settings: MutableSettings,
): Outcome {
  const [from = '.', ...targets] = directive.args;
  const serverName = directive.block.find(({ name }) => name === 'tls_servername')?.args[0];
  const upstreams: string[] = [];
  for (const target of targets) {
    if (target === '/etc/resolv.conf') continue;
    const [, transport = 'dns', rest = ''] = /^(?:([a-z]+):\/\/)?(.*)$/.exec(target) ?? [];
    const name = serverName === undefined ? '' : `#${serverName}`;
    const upstream = transport === 'dns' ? rest : `${transport}://${rest}${name}`;
    if (parseUpstream(upstream) === undefined) return ['ignored', `cannot forward to ${target}`];
    upstreams.push(upstream);
  }
  const isHost = targets.includes('/etc/resolv.conf');
  const left = directive.block.filter(({ name }) => !forwardLines.includes(name));
  const rest = leftText(left.map(({ name, args }) => [name, ...args].join(' ')));
  const except = directive.block.flatMap(({ name, args }) => (name === 'except' ? args.map(normalizeName) : []));
  const domains = normalizeName(from) === '' ? zones : [normalizeName(from)];
  for (const domain of domains) {
    if (domain === clusterDomain) {
      return ['ignored', `names of ${domain} are answered here, not forwarded`];
    }
    if (domain === '.' || domain === '') settings.upstreams = isHost ? 'resolv.conf' : upstreams;
    else if (isHost) return ['ignored', `/etc/resolv.conf for ${domain}: give addresses`];
    else settings.forwardRules = { ...settings.forwardRules, [domain]: upstreams };
  }
  // Nobody to ask: what is not for these upstreams must not get to others either.
  for (const domain of except) settings.forwardRules = { [domain]: [], ...settings.forwardRules };
  return [
    'taken',
    `${domains.join(', ')} to ${isHost ? '/etc/resolv.conf' : upstreams.join(', ')}${except.length === 0 ? '' : `, but nobody for ${except.join(', ')}`}${rest}`,
  ];
}
