import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findLackingFeatures } from './kernel-features.ts';
import { checkNft, createRunNft, type NftErrorCode, ServiceProxyError } from './nft-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'fairlead-nft-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A program in the place of nft. */
function fakeNft(name: string, script: string): readonly string[] {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return [file];
}

const rows: readonly [name: string, script: string | undefined, code: NftErrorCode | 'fine', message: RegExp][] = [
  ['missing', undefined, 'nft-missing', /not installed.*cannot be served by the kernel/],
  ['old', 'echo "nftables v0.9.8 (E.D.S.)"', 'nft-too-old', /0\.9\.8 is older than 1\.0\.1/],
  ['of unknown version', 'echo hello', 'nft-too-old', /unknown version/],
  ['new enough', 'echo "nftables v1.0.1 (Fearless Fosdick #3)"', 'fine', /^$/],
  ['newer', 'echo "nftables v2.0.0"', 'fine', /^$/],
  [
    'without the right',
    'case "$1" in --version) echo "nftables v1.0.6";; *) echo "Error: Operation not permitted" >&2; exit 1;; esac',
    'not-permitted',
    /needs root/,
  ],
];
for (const [name, script, code, message] of rows) {
  test(`an nft that is ${name}`, async () => {
    const command = script === undefined ? [join(folder, 'nowhere')] : fakeNft(name.replaceAll(' ', '-'), script);
    const found = await checkNft(command).then(
      () => ({ code: 'fine', message: '' }),
      (error: unknown) => {
        assert.ok(error instanceof ServiceProxyError);
        return error;
      },
    );
    assert.equal(found.code, code);
    assert.match(found.message, message);
  });
}

test('a refused transaction says what nft said first', async () => {
  const command = fakeNft(
    'refusing',
    'cat >/dev/null; echo "x:1: Error: Could not process rule: No space left" >&2; exit 1',
  );
  await assert.rejects(createRunNft(command)('add table ip x\n'), (error) => {
    assert.ok(error instanceof ServiceProxyError);
    assert.equal(error.code, 'refused');
    assert.match(error.message, /No space left/);
    return true;
  });
});

test('a transaction in parts arrives whole, even at a program that reads late', async () => {
  const out = join(folder, 'received');
  const command = fakeNft('slow', `read first; cat >${out}`);
  const parts = Array.from({ length: 2000 }, (_, n) => `${String(n).padStart(200, '0')}\n`);
  await createRunNft(command)(parts);
  const { readFileSync } = await import('node:fs');
  assert.equal(readFileSync(out, 'utf8'), parts.slice(1).join(''));
});

test('a program that ends before it has read all is a refusal, not a crash', async () => {
  const command = fakeNft('deaf', 'echo "Error: I do not listen" >&2; exit 1');
  const parts = Array.from({ length: 5000 }, () => 'x'.repeat(200));
  await assert.rejects(createRunNft(command)(parts), /I do not listen/);
});

test('what a kernel lacks is named', async () => {
  const lacking = await findLackingFeatures(
    ['nft'],
    async (program, args) => program === 'ip' && !args.includes('vxlan'),
    async () => 'right to use BPF',
  );
  assert.deepEqual([...lacking.keys()].sort(), ['ipip', 'netdev-forward', 'syn-proxy', 'vxlan']);
  assert.match(lacking.get('syn-proxy') ?? '', /synproxy/);
  assert.match(lacking.get('netdev-forward') ?? '', /fwd/);
  assert.equal(lacking.get('vxlan'), 'link type vxlan');
  assert.equal(lacking.get('ipip'), 'right to use BPF');
});
