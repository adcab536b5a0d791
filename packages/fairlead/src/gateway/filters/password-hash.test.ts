import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { passwordCrypt } from '../../sys/password-crypt.ts';
import { apr1, checkQuickly } from './password-hash.ts';

test('apr1 as openssl has it', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 40 }), fc.stringMatching(/^[a-zA-Z0-9./]{1,8}$/), (text, salt) => {
      fc.pre(!/[\0\n\r]/.test(text) && text.isWellFormed());
      const openssl = spawnSync('openssl', ['passwd', '-apr1', '-salt', salt, '-stdin'], { input: text });
      assert.equal(`$apr1$${salt}$${apr1(text, salt)}`, openssl.stdout.toString().trim());
    }),
    { numRuns: 25 },
  );
});

test('bcrypt is left to crypt(3)', async () => {
  const hash = '$2y$05$abcdefghijklmnopqrstuu';
  assert.equal(checkQuickly(hash, 'x'), undefined);
  const made = await passwordCrypt()('secret', hash);
  assert.match(made ?? '', /^\$2y\$05\$abcdefghijklmnopqrstuu[./0-9A-Za-z]{31}$/);
  assert.equal(await passwordCrypt()('secret', made!), made);
  assert.notEqual(await passwordCrypt()('Secret', made!), made);
});
