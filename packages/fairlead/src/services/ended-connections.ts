import type { ConntrackFlow } from './conntrack.ts';
import type { RunNft } from './nft-command.ts';

/** Table of its own, so that what it remembers outlives a replaced table of Services. */
const table = 'inet fairlead-ended';
/** As long as the kernel itself would remember an idle connection at least in part: clients may sleep. */
const rememberedFor = '1d';
const mostConnections = 65_536;
const elementsPerCommand = 1000;

const families = [
  ['ip', 'ipv4_addr', 'ended'],
  ['ip6', 'ipv6_addr', 'ended6'],
] as const;

/** May be said again and again. */
function declaration(): string {
  const opening = 'tcp flags & (fin | syn | rst | ack) == syn';
  const astray = 'tcp flags & (syn | rst) == 0 ct state invalid,untracked';
  const tuple = (ip: string): string => `${ip} saddr . tcp sport . ${ip} daddr . tcp dport`;
  return [
    `add table ${table}`,
    ...families.map(
      ([, address, set]) =>
        `add set ${table} ${set} { type ${address} . inet_service . ${address} . inet_service ; flags dynamic,timeout ; size ${mostConnections} ; }`,
    ),
    `add chain ${table} opening { type filter hook prerouting priority -301 ; }`,
    `flush chain ${table} opening`,
    ...families.map(([ip, , set]) => `add rule ${table} opening ${opening} delete @${set} { ${tuple(ip)} }`),
    ...['forward', 'input'].flatMap((hook) => [
      `add chain ${table} ${hook} { type filter hook ${hook} priority -1 ; }`,
      `flush chain ${table} ${hook}`,
      ...families.map(
        ([ip, , set]) => `add rule ${table} ${hook} ${astray} ${tuple(ip)} @${set} reject with tcp reset`,
      ),
    ]),
    '',
  ].join('\n');
}

/**
 * Connections that are over, whose clients have not heard of it, although the kernel answers handshakes for them
 * (`syn-proxy.ts`): it would take the client's next packet for the end of an unknown handshake, and drop it.
 *
 * ```
 * client ─ packet of an ended connection ─▶ untracked or invalid ─ in `ended`: reset, before the SYN proxy sees it
 *        └ SYN of a new one from the same port ─▶ taken out of `ended`
 * ```
 *
 * The reset's numbers are right without anybody knowing them: they are taken from the client's own packet.
 */
export class EndedConnections {
  readonly #runNft: RunNft;

  constructor(runNft: RunNft) {
    this.#runNft = runNft;
  }

  /** To be called before the connections are forgotten. Rejects when nothing of it is installed. */
  async add(flows: readonly ConntrackFlow[]): Promise<void> {
    const lines: string[] = [];
    for (const [ip, , set] of families) {
      const own = flows.filter(({ source }) => source.ip.includes(':') === (ip === 'ip6'));
      for (let from = 0; from < own.length; from += elementsPerCommand) {
        const elements = own.slice(from, from + elementsPerCommand).map(({ source, destination }) => {
          return `${source.ip} . ${source.port} . ${destination.ip} . ${destination.port} timeout ${rememberedFor}`;
        });
        lines.push(`add element ${table} ${set} { ${elements.join(', ')} }`);
      }
    }
    if (lines.length > 0) await this.#runNft(`${declaration()}${lines.join('\n')}\n`);
  }

  /** Also what a predecessor left. */
  async remove(): Promise<void> {
    // `add` makes `delete` valid when there is none.
    await this.#runNft(`add table ${table}\ndelete table ${table}\n`);
  }
}
