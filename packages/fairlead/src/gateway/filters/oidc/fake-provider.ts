import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../../sys/clock.ts';
import { nodeHttp } from '../../../sys/node-http.ts';

/** How the next tokens differ from what they should be. */
export interface Misbehaviour {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly key?: KeyObject;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly status?: number;
  readonly answer?: Readonly<Record<string, unknown>>;
}

interface Code {
  readonly redirectUri: string;
  readonly challenge: string;
  readonly nonce: string;
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** An OpenID provider for tests: codes and refresh tokens are good for once, PKCE and the client's secret are checked. */
export class FakeProvider {
  readonly issuer = 'https://id.example/realm';
  readonly clientId = 'shop web';
  readonly clientSecret = 'p:a ss%';
  readonly jwks: string;
  /** Requests to the token endpoint, by grant. */
  readonly grants: string[] = [];
  misbehaves: Misbehaviour = {};
  /** Seconds that tokens count. */
  lifeS: number = 300;
  readonly #key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  readonly #codes = new Map<string, Code>();
  readonly #refreshTokens = new Set<string>();
  readonly #server = nodeHttp.createServer((request, response) => void this.#onToken(request, response));

  constructor() {
    this.jwks = JSON.stringify({ keys: [{ ...this.#key.publicKey.export({ format: 'jwk' }), kid: 'a' }] });
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** A person who logs in: where the browser is sent then. */
  authorize(location: string): URL {
    const question = new URL(location).searchParams;
    const of = (name: string): string => question.get(name) ?? '';
    if (of('response_type') !== 'code' || of('client_id') !== this.clientId)
      throw new Error(`not a login: ${location}`);
    if (of('code_challenge_method') !== 'S256' || !of('scope').split(' ').includes('openid')) throw new Error(location);
    const code = randomBytes(8).toString('hex');
    const redirectUri = of('redirect_uri');
    this.#codes.set(code, { redirectUri, challenge: of('code_challenge'), nonce: of('nonce') });
    return new URL(`${redirectUri}?${new URLSearchParams({ code, state: of('state'), iss: this.issuer })}`);
  }

  async #onToken(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)).toString();
    const form = new URLSearchParams(body);
    const of = (name: string): string => form.get(name) ?? '';
    this.grants.push(of('grant_type'));
    const answer = (status: number, value: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    };
    const { misbehaves } = this;
    if (misbehaves.status !== undefined) return answer(misbehaves.status, misbehaves.answer ?? {});
    if (!this.#isClient(request)) return answer(401, { error: 'invalid_client' });
    const nonce = of('grant_type') === 'refresh_token' ? this.#renew(of('refresh_token')) : this.#redeem(of);
    if (nonce === undefined) return answer(400, { error: 'invalid_grant' });
    const refreshToken = randomBytes(8).toString('hex');
    this.#refreshTokens.add(refreshToken);
    answer(200, {
      access_token: 'opaque',
      token_type: 'Bearer',
      expires_in: this.lifeS,
      refresh_token: refreshToken,
      id_token: this.#idToken(nonce),
      ...misbehaves.answer,
    });
  }

  #isClient({ headers }: IncomingMessage): boolean {
    const basic = Buffer.from(/^Basic (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '', 'base64').toString();
    const [id, secret] = basic.split(':').map((part) => decodeURIComponent(part.replaceAll('+', ' ')));
    return id === this.clientId && secret === this.clientSecret;
  }

  #redeem(of: (name: string) => string): string | undefined {
    const code = this.#codes.get(of('code'));
    this.#codes.delete(of('code'));
    const challenge = createHash('sha256').update(of('code_verifier')).digest('base64url');
    const isGood = code !== undefined && code.redirectUri === of('redirect_uri') && code.challenge === challenge;
    return isGood ? code.nonce : undefined;
  }

  #renew(token: string): string | undefined {
    return this.#refreshTokens.delete(token) ? '' : undefined;
  }

  #idToken(nonce: string): string {
    const { claims, key = this.#key.privateKey, header } = this.misbehaves;
    const nowS = Math.floor(systemClock.now() / 1000);
    const payload = {
      iss: this.issuer,
      aud: this.clientId,
      sub: 'ann',
      roles: ['buyer', 'admin'],
      iat: nowS,
      exp: nowS + 300,
      ...(nonce === '' ? {} : { nonce }),
      ...claims,
    };
    const text = `${encode({ alg: 'ES256', kid: 'a', ...header })}.${encode(payload)}`;
    return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  }
}
