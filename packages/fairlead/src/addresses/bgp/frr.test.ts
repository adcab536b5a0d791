import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type { BgpRoute } from '../program.ts';
import { RouterLab, routerSkip, type TestSpeaker, until } from '../testing/router-lab.ts';

const folder = '/usr/lib/frr';
const skip = existsSync(`${folder}/bgpd`) ? routerSkip('vtysh') : 'needs the program bgpd of FRR';
const none = { communities: [[65_000, 7]] as const, largeCommunities: [], services: ['default/web'] };
const web: BgpRoute = { prefix: '198.51.100.10/32', ...none };
const web6: BgpRoute = { prefix: '2001:db8:1::10/128', ...none };

const bgpd = `router bgp 65000
 bgp router-id 192.0.2.1
 no bgp ebgp-requires-policy
 bgp bestpath as-path multipath-relax
 bgp graceful-restart
 neighbor nodes peer-group
 neighbor nodes remote-as 65001
 neighbor nodes passive
 neighbor nodes password quay
 bgp listen range 192.0.2.0/24 peer-group nodes
 address-family ipv4 unicast
  maximum-paths 8
 exit-address-family
 address-family ipv6 unicast
  neighbor nodes activate
  maximum-paths 8
 exit-address-family
`;

describe('with FRR as the router', { skip, timeout: 120_000 }, () => {
  let lab: RouterLab;
  const vtysh = (command: string): Promise<string> =>
    lab.exec('r', `vtysh --vty_socket ${lab.directory} -c '${command}'`);
  const route = (prefix: string): Promise<string> =>
    lab.exec('r', `ip ${prefix.includes(':') ? '-6 ' : ''}route show ${prefix}`);
  const hops = (text: string): string =>
    [...text.matchAll(/via (\S+)/g)]
      .map(([, hop]) => hop)
      .sort()
      .join(' ');

  before(async () => {
    lab = new RouterLab('frr', 2);
    const start = (program: string, config: string): void => {
      const file = lab.file(`${program}.conf`, config);
      // FRR gives up root, and its files have to be its own.
      execFileSync('chown', ['-R', 'frr:frr', lab.directory]);
      const own = ['-f', file, '-i', `${lab.directory}/${program}.pid`, '-z', `${lab.directory}/zserv.api`];
      lab.spawn('r', [
        `${folder}/${program}`,
        '-u',
        'frr',
        '-g',
        'frr',
        '-P',
        '0',
        '--vty_socket',
        lab.directory,
        ...own,
      ]);
    };
    start('zebra', 'hostname router\n');
    await until(
      'zebra runs',
      async () => String(existsSync(`${lab.directory}/zserv.api`)),
      (text) => text === 'true',
    );
    start('bgpd', bgpd);
    await until(
      'bgpd answers',
      () => vtysh('show bgp summary'),
      (text) => text.includes('No BGP neighbors'),
    );
  });
  after(() => lab?.remove());

  const speak = (n: number, routes: readonly BgpRoute[]): TestSpeaker => {
    const speaker = lab.speaker(n);
    const config = {
      endpoint: { address: '192.0.2.1', port: 179, ttl: 1, password: 'quay' },
      localAsn: 65_001,
      peerAsn: 65_000,
      identifier: 0xc000020a + n,
      holdTimeMs: 9000,
      connectRetryMs: 1000,
      gracefulRestartMs: 60_000,
      nodeIps: [`192.0.2.${10 + n}`, `2001:db8::${10 + n}`],
    };
    speaker.say({ kind: 'start', config, routes });
    return speaker;
  };

  test('two nodes share a route in both families; a restart keeps it, an end withdraws it', async () => {
    const one = speak(1, [web, web6]);
    const two = speak(2, [web, web6]);
    await until(
      'two hops',
      () => route(web.prefix),
      (text) => hops(text) === '192.0.2.11 192.0.2.12',
    );
    await until(
      'two IPv6 hops',
      () => route(web6.prefix),
      (text) => hops(text) === '2001:db8::11 2001:db8::12',
    );
    assert.match(await vtysh(`show bgp ipv4 unicast ${web.prefix}`), /Community: 65000:7/);
    one.process.kill('SIGKILL');
    await until(
      'its routes are stale',
      () => vtysh(`show bgp ipv4 unicast ${web.prefix}`),
      (text) => /[Ss]tale/.test(text),
    );
    assert.equal(hops(await route(web.prefix)), '192.0.2.11 192.0.2.12');
    const again = speak(1, [web]);
    await until(
      'not announced again, so gone',
      () => route(web6.prefix),
      (text) => hops(text) === '2001:db8::12',
    );
    assert.equal(hops(await route(web.prefix)), '192.0.2.11 192.0.2.12');
    two.say({ kind: 'stop' });
    await until(
      'one hop',
      () => route(web.prefix),
      (text) => hops(text) === '192.0.2.11',
    );
    again.say({ kind: 'stop' });
    await until(
      'none',
      () => route(web.prefix),
      (text) => text === '',
    );
  });
});
