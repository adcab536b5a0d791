import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { after, afterEach, before, describe, test } from 'node:test';
import type { BgpRoute } from '../program.ts';
import { RouterLab, routerSkip, type TestSpeaker, until } from '../testing/router-lab.ts';
import type { SessionConfig } from './bgp-session.ts';

const skip = routerSkip('bird', 'birdc');
const none = { communities: [], largeCommunities: [], services: ['default/web'] };
const web: BgpRoute = { prefix: '198.51.100.10/32', ...none };
const web6: BgpRoute = { prefix: '2001:db8:1::10/128', ...none };

/** BIRD's configuration: one neighbour per node, told apart by their addresses. */
function birdConfig(neighbor: (n: number) => string): string {
  const neighbors = [1, 2, 3].map(
    (n) => `protocol bgp node${n} { local 192.0.2.1 as 65000; neighbor 192.0.2.${10 + n}; passive on;
      error wait time 1, 1; error forget time 1;
      ipv4 { import all; export none; }; ipv6 { import all; export none; }; ${neighbor(n)} }`,
  );
  return `log "/dev/null" all; router id 192.0.2.1;
    protocol device { scan time 1; }
    protocol kernel k4 { ipv4 { export all; }; merge paths on; }
    protocol kernel k6 { ipv6 { export all; }; merge paths on; }
    ${neighbors.join('\n')}`;
}

function configOf(n: number, more: Partial<SessionConfig> = {}): SessionConfig {
  return {
    endpoint: { address: '192.0.2.1', port: 179, ttl: 1 },
    localAsn: 4_200_000_001,
    peerAsn: 65_000,
    identifier: 0xc000020a + n,
    holdTimeMs: 9000,
    connectRetryMs: 1000,
    nodeIps: [`192.0.2.${10 + n}`, `2001:db8::${10 + n}`],
    ...more,
  };
}

describe('with BIRD as the router', { skip, timeout: 180_000 }, () => {
  let lab: RouterLab;
  let bird: ChildProcess | undefined;
  const speakers: TestSpeaker[] = [];
  before(() => {
    lab = new RouterLab('bird', 3);
  });
  after(() => lab?.remove());
  afterEach(async () => {
    for (const { process } of speakers.splice(0)) process.kill('SIGKILL');
    if (bird !== undefined) await end(bird);
  });
  const end = async (child: ChildProcess): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  };
  const startBird = async (neighbor: (n: number) => string): Promise<void> => {
    const file = lab.file('bird.conf', birdConfig(neighbor));
    bird = lab.spawn('r', ['bird', '-f', '-c', file, '-s', `${lab.directory}/bird.ctl`]);
    await until(
      'BIRD answers',
      () => birdc('show status'),
      (text) => text.includes('is up and running'),
    );
  };
  const birdc = (command: string): Promise<string> => lab.exec('r', `birdc -s ${lab.directory}/bird.ctl '${command}'`);
  const route = (prefix: string): Promise<string> =>
    lab.exec('r', `ip ${prefix.includes(':') ? '-6 ' : ''}route show ${prefix}`);
  const hops = (text: string): string =>
    [...text.matchAll(/via (\S+)/g)]
      .map(([, hop]) => hop)
      .sort()
      .join(' ');
  const speak = (n: number, routes: readonly BgpRoute[], more?: Partial<SessionConfig>): TestSpeaker => {
    const speaker = lab.speaker(n);
    speakers.push(speaker);
    speaker.say({ kind: 'start', config: configOf(n, more), routes });
    return speaker;
  };
  const said = (speaker: TestSpeaker, what: RegExp): Promise<string> =>
    until(
      String(what),
      async () => JSON.stringify(speaker.states),
      (text) => what.test(text),
    );
  const external = (): string => 'local as 65000; neighbor as 4200000001;';

  test('three nodes: one route with three hops in both families; withdrawn, ended and killed nodes leave it', async () => {
    await startBird(external);
    const [one, two, three] = [1, 2, 3].map((n) => speak(n, [web, web6]));
    await until(
      'three hops',
      () => route(web.prefix),
      (text) => hops(text) === '192.0.2.11 192.0.2.12 192.0.2.13',
    );
    await until(
      'three IPv6 hops',
      () => route(web6.prefix),
      (text) => hops(text) === '2001:db8::11 2001:db8::12 2001:db8::13',
    );
    assert.match(await birdc('show route all 198.51.100.10/32'), /BGP\.as_path: 4200000001/);
    one!.say({ kind: 'routes', routes: [] });
    await until(
      'one withdrew',
      () => route(web.prefix),
      (text) => hops(text) === '192.0.2.12 192.0.2.13',
    );
    await until(
      'in IPv6 too',
      () => route(web6.prefix),
      (text) => hops(text) === '2001:db8::12 2001:db8::13',
    );
    two!.say({ kind: 'stop' });
    await until(
      'two ended',
      () => route(web.prefix),
      (text) => hops(text) === '192.0.2.13',
    );
    three!.process.kill('SIGKILL');
    await until(
      'three was killed',
      () => route(web.prefix),
      (text) => text === '',
    );
  });

  test('attributes: communities, and a preference inside one AS only', async () => {
    await startBird((n) => (n === 1 ? 'local as 65000; neighbor as 65000;' : external()));
    const rich: BgpRoute = {
      ...web,
      localPreference: 150,
      communities: [
        [65_000, 100],
        [0xffff, 0xff01],
      ],
      largeCommunities: [[65_000, 1, 2]],
    };
    speak(1, [rich], { localAsn: 65_000 });
    speak(2, [rich]);
    const text = await until(
      'both routes',
      () => birdc('show route all 198.51.100.10/32'),
      (all) => all.includes('node1') && all.includes('node2'),
    );
    const [, inside = '', outside = ''] =
      /node1([\s\S]*)node2([\s\S]*)/.exec(text) ?? /node2([\s\S]*)node1([\s\S]*)/.exec(text) ?? [];
    assert.match(text, /BGP\.local_pref: 150/);
    assert.equal([inside, outside].filter((part) => part.includes('local_pref: 150')).length, 1);
    assert.equal([...text.matchAll(/community: \(65000,100\) \(65535,65281\)/g)].length, 2);
    assert.equal([...text.matchAll(/large_community: \(65000, 1, 2\)/g)].length, 2);
  });

  test('a wrong AS is told, on our side and by the peer', async () => {
    await startBird(external);
    const wrongPeer = speak(1, [web], { peerAsn: 65_999 });
    await said(wrongPeer, /the peer is AS 65000, and spec\.peerASN says 65999/);
    const wrongOwn = speak(2, [web], { localAsn: 65_777 });
    await said(wrongOwn, /the peer says: OPEN error: bad peer AS/);
    assert.equal(await route(web.prefix), '');
  });

  test('passwords: the right one, a wrong one, none', async () => {
    await startBird(() => `${external()} password "quay";`);
    const endpoint = { address: '192.0.2.1', port: 179, ttl: 1 };
    const right = speak(1, [web], { endpoint: { ...endpoint, password: 'quay' } });
    const wrong = speak(2, [web], { endpoint: { ...endpoint, password: 'dock' } });
    await said(right, /Established/);
    await until(
      'one hop',
      () => route(web.prefix),
      (text) => text.includes('192.0.2.11'),
    );
    await said(wrong, /cannot connect/);
    assert.equal(
      wrong.states.some(({ state }) => state === 'Established'),
      false,
    );
  });

  test('packets from hops away are dropped on both sides (RFC 5082)', async () => {
    await startBird(() => `${external()} ttl security on;`);
    const near = speak(1, [web], { endpoint: { address: '192.0.2.1', port: 179, ttl: 255, minimumTtl: 255 } });
    await said(near, /Established/);
    // The peer's listening socket lets the handshake pass; what follows is dropped.
    const plain = speak(2, [web], { holdTimeMs: 3000 });
    await said(plain, /hold timer expired|cannot connect/);
  });

  test('a peer that restarts gets everything again', async () => {
    await startBird(external);
    const speaker = speak(1, [web]);
    await until(
      'a route',
      () => route(web.prefix),
      (text) => text.includes('192.0.2.11'),
    );
    await end(bird!);
    await said(speaker, /Idle.*(?:cease|closed|ECONN|cannot connect)/);
    await startBird(external);
    await until(
      'the route again',
      () => route(web.prefix),
      (text) => text.includes('192.0.2.11'),
    );
  });

  test('a paused node is noticed by the hold timer; afterwards it comes back', async () => {
    await startBird(external);
    const speaker = speak(1, [web], { holdTimeMs: 3000 });
    await until(
      'a route',
      () => route(web.prefix),
      (text) => text.includes('192.0.2.11'),
    );
    speaker.process.kill('SIGSTOP');
    await until(
      'no route',
      () => route(web.prefix),
      (text) => text === '',
    );
    speaker.process.kill('SIGCONT');
    await until(
      'the route again',
      () => route(web.prefix),
      (text) => text.includes('192.0.2.11'),
    );
  });

  test('graceful restart: the route stays while a killed agent comes back', async () => {
    await startBird(external);
    const graceful = { gracefulRestartMs: 30_000 };
    const speaker = speak(1, [web, web6], graceful);
    await until(
      'a route',
      () => route(web.prefix),
      (text) => text.includes('192.0.2.11'),
    );
    speaker.process.kill('SIGKILL');
    await until(
      'BIRD waits',
      () => birdc('show protocols all node1'),
      (text) => !/BGP state:\s+Established/.test(text),
    );
    assert.match(await route(web.prefix), /192\.0\.2\.11/);
    const again = speak(1, [web], graceful);
    await said(again, /Established/);
    await until(
      'what is not announced any more goes',
      () => route(web6.prefix),
      (text) => text === '',
    );
    assert.match(await route(web.prefix), /192\.0\.2\.11/);
  });
});
