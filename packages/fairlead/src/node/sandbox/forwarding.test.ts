import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { kernelObstacle } from '../testing/kernel-lab.ts';
import { runInNetns } from '../testing/run-in-netns.ts';
import { advertisedLinks } from './forwarding.ts';

const zero = '0'.repeat(32);
const route = (destination: string, prefix: string, flags: string, link: string): string =>
  `${destination} ${prefix} ${zero} 00 fe80${'0'.repeat(27)}1 00000400 00000001 00000000 ${flags}     ${link}`;

for (const [name, lines, links] of [
  ['no routes', [], []],
  ['a default route of an advertisement', [route(zero, '00', '00450003', 'eth0')], ['eth0']],
  ['one by hand', [route(zero, '00', '00000003', 'eth0')], []],
  ['a prefix of an advertisement', [route(`2001${'0'.repeat(28)}`, '40', '00450001', 'eth0')], []],
  [
    'two links, one twice',
    ['wlan0', 'eth0', 'eth0'].map((link) => route(zero, '00', '00450003', link)),
    ['wlan0', 'eth0'],
  ],
] as const) {
  test(`links with advertised routes: ${name}`, () => assert.deepEqual(advertisedLinks(lines.join('\n')), links));
}

test('a kernel that can forwards IPv6 without becoming a router, on links to come too; all is put back', {
  skip: kernelObstacle() ?? false,
  timeout: 60_000,
}, (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-forwarding-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const forwarding = new URL('./forwarding.ts', import.meta.url).href;
  const sysctls = new URL('./sysctls.ts', import.meta.url).href;
  const said = runInNetns(`
    import { existsSync, readFileSync } from 'node:fs';
    import { execFileSync } from 'node:child_process';
    import { forwardPackets } from ${JSON.stringify(forwarding)};
    import { createSysctls } from ${JSON.stringify(sysctls)};
    const ip = (...args) => execFileSync('ip', args);
    const read = (link, name) => {
      const file = '/proc/sys/net/ipv6/conf/' + link + '/' + name;
      return existsSync(file) ? readFileSync(file, 'utf8').trim() : '-';
    };
    const all = () => ['early', 'late'].map((link) => [
      read(link, 'forwarding') + read(link, 'force_forwarding'), read(link, 'accept_ra'),
    ].join(' '));
    ip('link', 'add', 'early', 'type', 'bridge');
    const kept = createSysctls(${JSON.stringify(join(folder, 'sysctls.json'))});
    forwardPackets(kept, ['10.244.0.0/24', 'fd00::/64'], () => {});
    ip('link', 'add', 'late', 'type', 'bridge');
    const during = all();
    kept.restore();
    console.log(JSON.stringify({ modern: read('all', 'force_forwarding') !== '-', during, after: all() }));
  `);
  const { modern, during, after } = JSON.parse(said) as { modern: boolean; during: string[]; after: string[] };
  assert.deepEqual(during, modern ? ['01 1', '01 1'] : ['1- 1', '1- 1']);
  assert.deepEqual(after, modern ? ['00 1', '00 1'] : ['0- 1', '0- 1']);
});
