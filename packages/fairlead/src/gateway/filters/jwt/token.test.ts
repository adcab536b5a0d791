import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, type KeyObject, type SignKeyObjectInput, sign } from 'node:crypto';
import { describe, test } from 'node:test';
import { JWT_ALGORITHMS, type JwtAlgorithm } from '../../../routing/route-filters.ts';
import { findKeys, readKeySet } from './key-set.ts';
import { isSigned, isSignedSoon, type SignatureQuestion } from './signature.ts';
import { checkClaims, claimText, parseToken } from './token.ts';

const RFC7515_PAYLOAD =
  'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ';

/** Examples of the RFCs, as they stand there. */
const VECTORS: readonly { readonly name: string; readonly jwk: object; readonly token: string }[] = [
  {
    name: 'RFC 7515 A.2, RS256',
    jwk: {
      kty: 'RSA',
      n: 'ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ',
      e: 'AQAB',
    },
    token: `eyJhbGciOiJSUzI1NiJ9.${RFC7515_PAYLOAD}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw`,
  },
  {
    name: 'RFC 7515 A.3, ES256',
    jwk: {
      kty: 'EC',
      crv: 'P-256',
      x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
      y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
    },
    token: `eyJhbGciOiJFUzI1NiJ9.${RFC7515_PAYLOAD}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q`,
  },
];

for (const { name, jwk, token } of VECTORS) {
  test(`${name}: the signature is good, and no other`, () => {
    const parsed = parseToken(token, JWT_ALGORITHMS);
    assert.ok(typeof parsed === 'object');
    const [key] = findKeys(readKeySet(JSON.stringify({ keys: [jwk] })), parsed.algorithm, parsed.keyId);
    const question: SignatureQuestion = {
      algorithm: parsed.algorithm,
      key: key!.key,
      data: parsed.signed,
      signature: parsed.signature,
    };
    assert.equal(isSigned(question), true);
    const other = Buffer.from(parsed.signature);
    other[0]! ^= 1;
    assert.equal(isSigned({ ...question, signature: other }), false);
    assert.equal(isSigned({ ...question, data: Buffer.concat([parsed.signed, Buffer.from('a')]) }), false);
    assert.deepEqual(parsed.claims, { iss: 'joe', exp: 1300819380, 'http://example.com/is_root': true });
    const rules = { issuer: 'joe', audiences: [], leewayS: 0 };
    assert.equal(checkClaims(parsed.claims, rules, 1300819379), undefined);
    assert.equal(checkClaims(parsed.claims, rules, 1300819380), 'expired');
  });
}

test('RFC 8037 A.4, Ed25519: the signature is good', () => {
  const [key] = findKeys(
    readKeySet('{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}'),
    'EdDSA',
    undefined,
  );
  const data = Buffer.from('eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc');
  const signature = Buffer.from(
    'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
    'base64url',
  );
  assert.equal(isSigned({ algorithm: 'EdDSA', key: key!.key, data, signature }), true);
});

const PAIRS: Readonly<Record<string, { readonly privateKey: KeyObject; readonly publicKey: KeyObject }>> = {
  RSA: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  'P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'P-384': generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  'P-521': generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  Ed25519: generateKeyPairSync('ed25519'),
  Ed448: generateKeyPairSync('ed448'),
};
const KINDS: Readonly<Record<JwtAlgorithm, readonly string[]>> = {
  RS256: ['RSA'],
  RS384: ['RSA'],
  RS512: ['RSA'],
  PS256: ['RSA'],
  PS384: ['RSA'],
  PS512: ['RSA'],
  ES256: ['P-256'],
  ES384: ['P-384'],
  ES512: ['P-521'],
  EdDSA: ['Ed25519', 'Ed448'],
};

/** Signs as RFC 7518 3.3 to 3.5 and 8037 3.1 say. */
function signAs(algorithm: JwtAlgorithm, key: KeyObject, data: Uint8Array): Buffer {
  const hash = algorithm === 'EdDSA' ? null : `sha${algorithm.slice(2)}`;
  const input: SignKeyObjectInput = { key };
  if (algorithm.startsWith('PS')) return sign(hash, data, { ...input, padding: 6, saltLength: -1 });
  return sign(hash, data, algorithm.startsWith('ES') ? { ...input, dsaEncoding: 'ieee-p1363' } : input);
}

describe('every algorithm with every kind of key', () => {
  const data = Buffer.from('signed');
  for (const algorithm of JWT_ALGORITHMS) {
    for (const [kind, { privateKey, publicKey }] of Object.entries(PAIRS)) {
      const fits = KINDS[algorithm].includes(kind);
      test(`${algorithm} with ${kind} ${fits ? 'is checked' : 'is refused'}`, async () => {
        const set = readKeySet(JSON.stringify({ keys: [publicKey.export({ format: 'jwk' })] }));
        assert.equal(findKeys(set, algorithm, undefined).length, fits ? 1 : 0);
        if (!fits) return;
        const signature = signAs(algorithm, privateKey, data);
        const question = { algorithm, key: set.keys[0]!.key, data, signature };
        assert.equal(isSigned(question), true);
        assert.equal(await isSignedSoon(question), true);
        for (const wrong of [Buffer.alloc(0), signature.subarray(1), Buffer.alloc(signature.length)]) {
          assert.equal(isSigned({ ...question, signature: wrong }), false);
          assert.equal(await isSignedSoon({ ...question, signature: wrong }), false);
        }
      });
    }
  }
});

test('a signature of RSA-PSS that is a zero byte short is none', async () => {
  const { privateKey, publicKey } = PAIRS.RSA!;
  // One of 256 begins with a zero: OpenSSL takes it without, too.
  let data: Buffer;
  let whole: Buffer;
  let tries = 0;
  do {
    data = Buffer.from(`try ${tries++}`);
    whole = signAs('PS256', privateKey, data);
  } while (whole[0] !== 0);
  const question = { algorithm: 'PS256' as const, key: publicKey, data, signature: whole };
  assert.equal(isSigned(question), true);
  const short = { ...question, signature: whole.subarray(1) };
  assert.equal(isSigned(short), false);
  assert.equal(await isSignedSoon(short), false);
});

describe('key sets', () => {
  const rsa = PAIRS.RSA!.publicKey.export({ format: 'jwk' });
  const ec = PAIRS['P-256']!.publicKey.export({ format: 'jwk' });
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
  const rows: readonly (readonly [name: string, set: unknown, keys: number])[] = [
    ['two keys', { keys: [rsa, ec] }, 2],
    ['nothing', undefined, 0],
    ['no list', { keys: {} }, 0],
    ['a list of nothing', { keys: [null, 1, 'a', []] }, 0],
    ['for encryption', { keys: [{ ...rsa, use: 'enc' }] }, 0],
    ['for signatures', { keys: [{ ...rsa, use: 'sig', key_ops: ['verify'] }] }, 1],
    ['for signing only', { keys: [{ ...rsa, key_ops: ['sign'] }] }, 0],
    ['a secret', { keys: [{ kty: 'oct', k: 'c2VjcmV0', alg: 'HS256' }] }, 0],
    ['a short RSA key', { keys: [weak] }, 0],
    ['an algorithm that is not known', { keys: [{ ...rsa, alg: 'RS1' }] }, 0],
    ['an algorithm of another type', { keys: [{ ...rsa, alg: 'ES256' }] }, 0],
    ['a curve that is not known', { keys: [{ ...ec, crv: 'secp256k1' }] }, 0],
    ['a point that is not on the curve', { keys: [{ ...ec, x: ec.y, y: ec.x }] }, 0],
    ['a name that is no text', { keys: [{ ...rsa, kid: 7 }] }, 0],
    ['broken members beside good ones', { keys: [{ kty: 'RSA' }, ec] }, 1],
    ['a private key is read as its public one', { keys: [PAIRS.RSA!.privateKey.export({ format: 'jwk' })] }, 1],
  ];
  for (const [name, set, count] of rows) {
    test(name, () => {
      const { keys } = readKeySet(JSON.stringify(set) ?? 'nonsense');
      assert.equal(keys.length, count);
      for (const { key } of keys) assert.equal(key.type, 'public');
    });
  }

  test('a key with an algorithm is for that one only', () => {
    const set = readKeySet(JSON.stringify({ keys: [{ ...rsa, alg: 'RS512', kid: 'a' }] }));
    assert.equal(findKeys(set, 'RS512', 'a').length, 1);
    assert.equal(findKeys(set, 'RS256', 'a').length, 0);
    assert.equal(findKeys(set, 'RS512', 'b').length, 0);
  });
});

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const token = (header: unknown, claims: unknown = {}, mark = 'c2ln'): string =>
  `${encode(header)}.${encode(claims)}.${mark}`;

describe('tokens that are none', () => {
  const hmac = createHmac('sha256', 'public key as a secret').update('x').digest('base64url');
  const rows: readonly (readonly [name: string, text: string, problem: string])[] = [
    ['nothing', '', 'malformed'],
    ['two parts', 'e30.e30', 'malformed'],
    ['four parts', 'e30.e30.e30.e30', 'malformed'],
    ['an unsecured one (RFC 7515 A.5)', `eyJhbGciOiJub25lIn0.${RFC7515_PAYLOAD}.`, 'malformed'],
    ['none with a signature', token({ alg: 'none' }), 'algorithm'],
    ['None', token({ alg: 'None' }), 'algorithm'],
    ['an HMAC (RFC 7515 A.1)', token({ typ: 'JWT', alg: 'HS256' }, {}, hmac), 'algorithm'],
    ['an algorithm that is not allowed', token({ alg: 'PS256' }), 'algorithm'],
    ['no algorithm', token({}), 'algorithm'],
    ['an algorithm that is no text', token({ alg: ['RS256'] }), 'algorithm'],
    ['a member of Object.prototype', token({ alg: 'constructor' }), 'algorithm'],
    ['an extension that must be understood', token({ alg: 'RS256', crit: ['b64'], b64: false }), 'malformed'],
    ['a token within', token({ alg: 'RS256', cty: 'JWT' }), 'malformed'],
    ['encrypted', token({ alg: 'RS256', enc: 'A128GCM' }), 'malformed'],
    ['a key name that is no text', token({ alg: 'RS256', kid: 1 }), 'malformed'],
    ['a header that is a list', token(['RS256']), 'malformed'],
    ['claims that are a list', token({ alg: 'RS256' }, []), 'malformed'],
    ['claims that are no JSON', token({ alg: 'RS256' }, 'nonsense'), 'malformed'],
    ['claims that are no UTF-8', `${encode({ alg: 'RS256' })}._w.c2ln`, 'malformed'],
    ['padding', `${encode({ alg: 'RS256' })}.e30=.c2ln`, 'malformed'],
    ['the other alphabet', `${encode({ alg: 'RS256' })}.e3+/.c2ln`, 'malformed'],
    ['a space', `${token({ alg: 'RS256' })} `, 'malformed'],
    ['too long', token({ alg: 'RS256' }, { a: 'x'.repeat(20_000) }), 'malformed'],
  ];
  for (const [name, text, problem] of rows) {
    test(name, () => assert.equal(parseToken(text, ['RS256']), problem));
  }
});

describe('claims', () => {
  const rules = { issuer: 'https://id.example', audiences: ['shop', 'api'], leewayS: 10 };
  const good = { iss: 'https://id.example', aud: 'shop', exp: 1000 };
  const rows: readonly (readonly [name: string, claims: object, nowS: number, problem: string | undefined])[] = [
    ['good', good, 999, undefined],
    ['within the leeway', good, 1009.9, undefined],
    ['beyond it', good, 1010, 'expired'],
    ['no end', { ...good, exp: undefined }, 0, 'malformed'],
    ['an end that is text', { ...good, exp: '9999' }, 0, 'malformed'],
    ['an end beyond all numbers', JSON.parse('{"iss":"https://id.example","aud":"shop","exp":1e999}'), 0, 'malformed'],
    ['not yet', { ...good, nbf: 100 }, 89, 'not-yet'],
    ['nearly', { ...good, nbf: 100 }, 90, undefined],
    ['a start that is text', { ...good, nbf: '1' }, 500, 'malformed'],
    ['another issuer', { ...good, iss: 'https://id.example/' }, 0, 'issuer'],
    ['no issuer', { ...good, iss: undefined }, 0, 'issuer'],
    ['issuers in a list', { ...good, iss: ['https://id.example'] }, 0, 'issuer'],
    ['another audience', { ...good, aud: 'shop2' }, 0, 'audience'],
    ['no audience', { ...good, aud: undefined }, 0, 'audience'],
    ['one of several', { ...good, aud: ['x', 'api'] }, 0, undefined],
    ['none of several', { ...good, aud: ['x', 7, null] }, 0, 'audience'],
    ['an audience that is an object', { ...good, aud: { shop: 1 } }, 0, 'audience'],
  ];
  for (const [name, claims, nowS, problem] of rows) {
    test(name, () => assert.equal(checkClaims({ ...claims }, rules, nowS), problem));
  }
});

test('claims as headers', () => {
  const claims = {
    sub: 'ann',
    level: 3,
    admin: false,
    name: 'Ünal',
    roles: ['a', 'b'],
    sly: ['a,admin'],
    mixed: ['a', {}],
    empty: [],
    realm_access: { roles: ['x'] },
    'https://e.example/role': 'r',
    'a.b': 'whole',
    a: { b: 'nested' },
    nothing: null,
  };
  const rows: readonly (readonly [claim: string, text: string | undefined])[] = [
    ['sub', 'ann'],
    ['level', '3'],
    ['admin', 'false'],
    ['name', Buffer.from('Ünal').toString('latin1')],
    ['roles', 'a,b'],
    ['sly', undefined],
    ['mixed', undefined],
    ['empty', ''],
    ['realm_access.roles', 'x'],
    ['realm_access', undefined],
    ['realm_access.roles.0', undefined],
    ['https://e.example/role', 'r'],
    ['a.b', 'whole'],
    ['nothing', undefined],
    ['constructor', undefined],
    ['a.constructor.name', undefined],
    ['__proto__', undefined],
  ];
  for (const [claim, text] of rows) assert.equal(claimText(claims, claim), text, claim);
});
