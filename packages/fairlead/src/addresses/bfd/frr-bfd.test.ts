import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { RouterLab, routerSkip, type TestSpeaker, until } from '../testing/router-lab.ts';

const folder = '/usr/lib/frr';
const skip = existsSync(`${folder}/bfdd`) ? routerSkip('vtysh', 'nft') : 'needs the program bfdd of FRR';
const bfdd = `bfd
 peer 192.0.2.11 interface br0
  detect-multiplier 3
  receive-interval 100
  transmit-interval 100
 exit
exit
`;

describe('BFD with FRR as the router', { skip, timeout: 120_000 }, () => {
  let lab: RouterLab;
  let speaker: TestSpeaker;
  before(async () => {
    lab = new RouterLab('bfdd', 1);
    const start = (program: string, config: string): void => {
      const file = lab.file(`${program}.conf`, config);
      // FRR gives up root, and its files have to be its own.
      execFileSync('chown', ['-R', 'frr:frr', lab.directory]);
      const sockets = ['-z', `${lab.directory}/zserv.api`, '--vty_socket', lab.directory];
      const own = ['-f', file, '-i', `${lab.directory}/${program}.pid`, ...sockets];
      lab.spawn('r', [`${folder}/${program}`, '-u', 'frr', '-g', 'frr', '-P', '0', ...own]);
    };
    start('zebra', 'hostname router\n');
    await until(
      'zebra runs',
      async () => String(existsSync(`${lab.directory}/zserv.api`)),
      (text) => text === 'true',
    );
    start('bfdd', bfdd);
    speaker = lab.speaker(1);
    speaker.say({
      kind: 'start',
      routes: [],
      config: {
        // Nobody speaks BGP there: what is tried here is the link.
        endpoint: { address: '192.0.2.1', port: 179, ttl: 1 },
        localAsn: 65_001,
        peerAsn: 65_000,
        identifier: 1,
        holdTimeMs: 9000,
        connectRetryMs: 60_000,
        bfd: { transmitMs: 100, receiveMs: 100, detectMultiplier: 3 },
        nodeIps: ['192.0.2.11'],
      },
    });
  });
  after(() => lab?.remove());

  const shows = (what: RegExp): Promise<string> =>
    until(
      `FRR: ${what}`,
      () => lab.exec('r', `vtysh --vty_socket ${lab.directory} -c 'show bfd peers'`),
      (text) => what.test(text),
    );
  const says = (what: RegExp, from = 0): Promise<string> =>
    until(
      `the speaker: ${what}`,
      async () => JSON.stringify(speaker.states.slice(from)),
      (text) => what.test(text),
    );

  test('up on both sides; a cut link is noticed by both, and so is its end', async () => {
    await says(/BFD Up/);
    await shows(/Status: up/);
    const seen = speaker.states.length;
    await lab.cut(1, true);
    await shows(/Status: down/);
    await says(/BFD Down","message":"detection time expired/, seen);
    await lab.cut(1, false);
    await says(/BFD Up/, seen);
    await shows(/Status: up/);
  });

  test('intervals are agreed on by a question and its answer', async () => {
    await shows(/Remote timers:\s+Detect-multiplier: 3\s+Receive interval: 100ms\s+Transmission interval: 100ms/);
  });

  test('one that ends says that it was meant', async () => {
    await shows(/Status: up/);
    speaker.say({ kind: 'stop' });
    await shows(/Remote diagnostics: administratively down/);
  });
});
