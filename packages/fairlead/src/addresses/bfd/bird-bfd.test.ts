import { after, afterEach, before, describe, test } from 'node:test';
import type { SessionConfig } from '../bgp/bgp-session.ts';
import type { BgpRoute } from '../program.ts';
import { RouterLab, routerSkip, type TestSpeaker, until } from '../testing/router-lab.ts';

const skip = routerSkip('bird', 'birdc', 'nft');
const web: BgpRoute = {
  prefix: '198.51.100.10/32',
  communities: [],
  largeCommunities: [],
  services: ['default/web'],
};
const times = { transmitMs: 100, receiveMs: 100, detectMultiplier: 3 };
/** Longer than any wait of the test: what is noticed, BFD has noticed. */
const holdTimeMs = 3_600_000;

const neighbor = (n: number, local: string, remote: string): string =>
  `protocol bgp node${n} { local ${local} as 65000; neighbor ${remote} as 65001; passive on; bfd on;
     hold time 3600; error wait time 1, 1; error forget time 1;
     ipv4 { import all; export none; extended next hop on; }; ipv6 { import all; export none; }; }`;
const birdConfig = `log "/dev/null" all; router id 192.0.2.1;
  protocol device { scan time 1; }
  protocol kernel { ipv4 { export all; }; merge paths on; }
  protocol bfd { interface "br0" { min rx interval 100 ms; min tx interval 100 ms; idle tx interval 1 s; multiplier 3; }; }
  ${neighbor(1, '192.0.2.1', '192.0.2.11')}
  ${neighbor(2, '192.0.2.1', '192.0.2.12')}
  ${neighbor(3, '2001:db8::1', '2001:db8::13')}`;

function configOf(n: number): SessionConfig {
  return {
    endpoint: { address: n === 3 ? '2001:db8::1' : '192.0.2.1', port: 179, ttl: 1 },
    localAsn: 65_001,
    peerAsn: 65_000,
    identifier: 0xc000020a + n,
    holdTimeMs,
    connectRetryMs: 1000,
    bfd: times,
    nodeIps: [`192.0.2.${10 + n}`, `2001:db8::${10 + n}`],
  };
}

describe('BFD with BIRD as the router', { skip, timeout: 180_000 }, () => {
  let lab: RouterLab;
  const speakers: TestSpeaker[] = [];
  before(async () => {
    lab = new RouterLab('bfd', 3);
    const file = lab.file('bird.conf', birdConfig);
    lab.spawn('r', ['bird', '-f', '-c', file, '-s', `${lab.directory}/bird.ctl`]);
    await until(
      'BIRD answers',
      () => birdc('show status'),
      (text) => text.includes('is up and running'),
    );
  });
  after(() => lab?.remove());
  afterEach(() => {
    for (const { process } of speakers.splice(0)) process.kill('SIGKILL');
  });
  const birdc = (command: string): Promise<string> => lab.exec('r', `birdc -s ${lab.directory}/bird.ctl '${command}'`);
  const hops = (): Promise<string> => lab.exec('r', `ip route show ${web.prefix}`);
  const speak = (n: number): TestSpeaker => {
    const speaker = lab.speaker(n);
    speakers.push(speaker);
    speaker.say({ kind: 'start', config: configOf(n), routes: [web] });
    return speaker;
  };
  const said = (speaker: TestSpeaker, what: RegExp, from = 0): Promise<string> =>
    until(
      String(what),
      async () => JSON.stringify(speaker.states.slice(from)),
      (text) => what.test(text),
    );
  const bfdOf = (address: string, state: string): Promise<string> =>
    until(
      `${address} ${state}`,
      () => birdc('show bfd sessions'),
      (text) => new RegExp(`^${address}\\s.*\\s${state}\\s`, 'm').test(text),
    );

  test('a cut link is noticed on both sides; when it is whole, the route comes back', async (t) => {
    const [one, two] = [speak(1), speak(2)];
    for (const speaker of [one, two]) await said(speaker!, /BFD Up/);
    await bfdOf('192.0.2.11', 'Up');
    await until('both hops', hops, (text) => text.includes('192.0.2.11') && text.includes('192.0.2.12'));
    const seen = one!.states.length;
    const cutAt = performance.now();
    await lab.cut(1, true);
    await until('the route over the cut link is gone', hops, (text) => !text.includes('192.0.2.11'));
    t.diagnostic(`the router left the route ${Math.round(performance.now() - cutAt)} ms after the cut`);
    await said(one!, /BFD Down","message":"detection time expired.*"Idle","message":"detection time expired/, seen);
    await until('the other link’s route stays', hops, (text) => text.includes('192.0.2.12'));
    await lab.cut(1, false);
    await until('the route again', hops, (text) => text.includes('192.0.2.11'));
    await bfdOf('192.0.2.11', 'Up');
  });

  test('over IPv6; a stopped agent is noticed as fast as a dead link', async () => {
    const speaker = speak(3);
    await said(speaker, /BFD Up/);
    await bfdOf('2001:db8::13', 'Up');
    await until(
      'a BGP session',
      () => birdc('show protocols node3'),
      (text) => text.includes('Established'),
    );
    speaker.process.kill('SIGSTOP');
    await until(
      'no BGP session',
      () => birdc('show protocols node3'),
      (text) => !text.includes('Established'),
    );
    const seen = speaker.states.length;
    speaker.process.kill('SIGCONT');
    await said(speaker, /BFD Up/, seen);
    await until(
      'again',
      () => birdc('show protocols node3'),
      (text) => text.includes('Established'),
    );
  });

  test('one that ends says so: BIRD sees no failure', async () => {
    const speaker = speak(2);
    await said(speaker, /BFD Up/);
    await bfdOf('192.0.2.12', 'Up');
    speaker.say({ kind: 'stop' });
    await until(
      'BIRD knows',
      () => birdc('show bfd sessions'),
      (text) => !/^192\.0\.2\.12\s.*\sUp\s/m.test(text),
    );
  });

  test('packets from further away are not received', async () => {
    const speaker = speak(1);
    await said(speaker, /BFD Up/);
    await bfdOf('192.0.2.11', 'Up');
    const seen = speaker.states.length;
    // As a router on the way would.
    await lab.exec('r', "nft 'add table ip far; add chain ip far o { type filter hook output priority 0; }'");
    await lab.exec('r', "nft 'add rule ip far o udp dport 3784 ip ttl set 254'");
    await said(speaker, /BFD Down/, seen);
    await lab.exec('r', 'nft delete table ip far');
    await said(speaker, /BFD Up/, seen);
  });
});
