import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { systemClock, systemRandom } from '../../sys/clock.ts';
import { compileApexRecords } from '../compile.ts';
import { compileAll, makeService, makeSlice } from '../dns-fixtures.ts';
import { clusterZone } from '../program.ts';
import { DnsServer } from './dns-server.ts';

/** Resolvers of C libraries always ask port 53 of what /etc/resolv.conf names: an address of this process. */
const own = `127.53.${(process.pid >> 8) & 255}.${process.pid & 255 || 1}`;
const zone = clusterZone('cluster.local', 5);
const options = { zone: zone.origin, ttlSeconds: 5 };
const run = promisify(execFile);
const lacks = (program: string): string | false =>
  spawnSync('which', [program]).status === 0 ? false : `${program} is not installed`;
const needsRoot = process.getuid?.() === 0 ? false : 'needs root to serve port 53 and replace resolv.conf';
const glibcSkip = needsRoot || lacks('getent') || lacks('unshare');
/** The wrapper alone is not enough: it calls the compiler. */
const lacksMusl =
  spawnSync('musl-gcc', ['--version']).status === 0 ? false : 'musl-gcc (musl-tools) and gcc are not installed';
const muslSkip = needsRoot || lacksMusl || lacks('unshare');
const digSkip = needsRoot || lacks('dig');

let folder = '';
let server: DnsServer;

before(async () => {
  if (needsRoot !== false) return;
  folder = mkdtempSync(join(tmpdir(), 'fairlead-resolvers-'));
  server = new DnsServer({
    zone,
    listen: [{ family: 'ipv4', address: own, port: 53 }],
    upstreams: [],
    workers: 1,
    clock: systemClock,
    random: systemRandom,
    log: () => {},
  });
  server.setSource('zone', compileApexRecords(zone, [own], options));
  server.setSource('web', compileAll(makeService('shop/web', ['10.96.0.1']), [], options));
  server.setSource('dual', compileAll(makeService('shop/dual', ['10.96.0.2', 'fd00::2']), [], options));
  const many = Array.from({ length: 200 }, (_, index) => `10.245.0.${index}`);
  server.setSource(
    'big',
    compileAll(makeService('shop/big', ['None'], []), [makeSlice('shop/big', 's', many, [])], options),
  );
  const spec = { type: 'ExternalName' as const, externalName: 'web.shop.svc.cluster.local' };
  server.setSource('alias', compileAll({ metadata: { namespace: 'shop', name: 'alias' }, spec }, [], options));
  server.markSynced();
  await server.start();
  const search = 'search shop.svc.cluster.local svc.cluster.local cluster.local';
  writeFileSync(join(folder, 'resolv.conf'), `nameserver ${own}\n${search}\noptions ndots:5\n`);
});
after(async () => {
  await server?.stop();
  if (folder !== '') rmSync(folder, { recursive: true });
});

/** Runs a command that finds our resolv.conf; the mount lives in the child's own mount namespace only. */
function withResolvConf(...command: readonly string[]): Promise<{ readonly stdout: string }> {
  const script = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"';
  return run('unshare', ['-m', 'sh', '-c', script, 'sh', join(folder, 'resolv.conf'), ...command]);
}

/** Names that every resolver finds along the search list, with their addresses. */
const found: readonly (readonly [name: string, addresses: readonly string[]])[] = [
  ['web', ['10.96.0.1']],
  ['web.shop', ['10.96.0.1']],
  ['web.shop.svc', ['10.96.0.1']],
  ['WEB.shop.svc.cluster.local', ['10.96.0.1']],
  ['web.shop.svc.cluster.local.', ['10.96.0.1']],
  ['dual', ['10.96.0.2', 'fd00::2']],
  ['alias', ['10.96.0.1']],
];

test('real client: the C library (glibc), with a search list and ndots:5', {
  skip: glibcSkip,
  timeout: 120_000,
}, async (t) => {
  for (const [name, addresses] of found) {
    await t.test(name, async () => {
      const { stdout } = await withResolvConf('getent', 'ahosts', name);
      const listed = stdout.split('\n').flatMap((line) => /^(\S+)\s+STREAM/.exec(line)?.[1] ?? []);
      assert.deepEqual(listed.sort(), addresses);
    });
  }
  await t.test('more addresses than UDP carries', async () => {
    const { stdout } = await withResolvConf('getent', 'ahostsv4', 'big');
    assert.equal(stdout.split('\n').filter((line) => line.includes('STREAM')).length, 200);
  });
  await t.test('a name that does not exist', async () => {
    await assert.rejects(withResolvConf('getent', 'ahosts', 'no'), { code: 2 });
  });
});

/** Prints every address of a name, one per line; status 2: no such name, 3: no address. */
const muslClient = `
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
int main(int argc, char **argv) {
  struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *one;
  int error = getaddrinfo(argv[1], 0, &hints, &list);
  if (error) return error == EAI_NONAME ? 2 : error == EAI_NODATA ? 3 : 4;
  for (one = list; one; one = one->ai_next) {
    char text[64] = "";
    void *address = one->ai_family == AF_INET ? (void *)&((struct sockaddr_in *)one->ai_addr)->sin_addr
                                              : (void *)&((struct sockaddr_in6 *)one->ai_addr)->sin6_addr;
    puts(inet_ntop(one->ai_family, address, text, sizeof text));
  }
  return 0;
}
`;

test('real client: musl, with a search list and ndots:5', { skip: muslSkip, timeout: 120_000 }, async (t) => {
  const source = join(folder, 'resolve.c');
  const program = join(folder, 'resolve');
  writeFileSync(source, `#define _GNU_SOURCE\n${muslClient}`);
  execFileSync('musl-gcc', ['-static', '-o', program, source], { stdio: 'pipe' });
  for (const [name, addresses] of found) {
    await t.test(name, async () => {
      const { stdout } = await withResolvConf(program, name);
      assert.deepEqual(stdout.trim().split('\n').sort(), addresses);
    });
  }
  await t.test('more addresses than UDP carries', async () => {
    const { stdout } = await withResolvConf(program, 'big');
    // It keeps at most 48 addresses of a name; that it has so many shows that the cut answer did not stop it.
    assert.ok(stdout.trim().split('\n').length >= 28, stdout);
  });
  await t.test('a name that does not exist', async () => {
    // With all its dots: a bare name would end at the upstreams, which this server does not have.
    await assert.rejects(withResolvConf(program, 'no.shop.svc.cluster.local.'), { code: 2 });
  });
});

test('real client: dig', { skip: digSkip, timeout: 120_000 }, async (t) => {
  const web = 'web.shop.svc.cluster.local';
  const rows: readonly (readonly [title: string, args: readonly string[], expected: RegExp])[] = [
    ['A with a cookie, as dig sends it by default', [web], /status: NOERROR[\s\S]*COOKIE: [0-9a-f]{48} \(good\)/],
    ['TCP, kept open for two', ['+tcp', '+keepopen', web, 'A', web, 'AAAA'], /10\.96\.0\.1[\s\S]*status: NOERROR/],
    ['a cut answer is asked for again over TCP', ['big.shop.svc.cluster.local'], /ANSWER: 200/],
    ['DO and CD', ['+dnssec', '+cdflag', web], /flags: qr aa rd ra cd;[\s\S]*EDNS: version: 0, flags: do;/],
    ['an unknown type', [web, 'TYPE65280'], /status: NOERROR[\s\S]*AUTHORITY: 1/],
    ['HTTPS', [web, 'HTTPS'], /status: NOERROR[\s\S]*ANSWER: 0, AUTHORITY: 1/],
    ['EDNS version 7', ['+edns=7', '+noednsnegotiation', web], /status: BADVERS/],
    ['an unknown option', ['+ednsopt=65001:cafe', web], /status: NOERROR/],
    ['reserved EDNS flags', ['+ednsflags=0x0080', web], /status: NOERROR/],
    ['without EDNS', ['+noedns', web], /status: NOERROR/],
    ['NSID', ['+nsid', web], /status: NOERROR/],
    ['a client subnet', ['+subnet=192.0.2.0/24', web], /status: NOERROR/],
    ['another opcode', ['+opcode=15', web], /status: NOTIMP/],
    ['CHAOS', ['version.bind', 'CH', 'TXT'], /status: REFUSED/],
    ['0x20', ['WeB.sHoP.SvC.ClUsTeR.lOcAl'], /\nWeB\.sHoP\.SvC\.ClUsTeR\.lOcAl\.\s+5\s+IN\s+A\s+10\.96\.0\.1/],
    ['minimised: an empty name between', ['_tcp.web.shop.svc.cluster.local', 'NS'], /status: NOERROR/],
    ['reverse', ['-x', 'fd00::2'], /PTR\s+dual\.shop\.svc\.cluster\.local\./],
  ];
  for (const [title, args, expected] of rows) {
    await t.test(title, async () => {
      const { stdout } = await run('dig', [`@${own}`, '+tries=1', ...args]);
      assert.match(stdout, expected);
    });
  }
});
