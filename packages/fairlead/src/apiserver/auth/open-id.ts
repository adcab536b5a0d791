import type { ApiAnswer, ApiRequest } from '../server/api-request.ts';
import { StatusError } from '../server/status-error.ts';
import { type TokenIssuer, tokenIssuerUrl } from './token-issuer.ts';

/** The OpenID discovery documents (RFC 8414, RFC 7517), or `undefined` for any other path. */
export async function openIdAnswer(issuer: TokenIssuer, request: ApiRequest): Promise<ApiAnswer | undefined> {
  if (request.path === '/.well-known/openid-configuration') {
    const text = JSON.stringify({
      issuer: tokenIssuerUrl,
      jwks_uri: `${tokenIssuerUrl}/openid/v1/jwks`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    });
    const headers = { 'content-type': 'application/json', 'cache-control': 'public, max-age=3600' };
    return { status: 200, headers, body: text };
  }
  if (request.path !== '/openid/v1/jwks') return undefined;
  const accept = String(request.headers.accept ?? '*/*');
  if (!accept.includes('*/*') && !accept.includes('application/jwk-set+json')) {
    const text = 'only the following media types are accepted: application/jwk-set+json';
    throw new StatusError(406, 'NotAcceptable', text);
  }
  const headers = { 'content-type': 'application/jwk-set+json', 'cache-control': 'public, max-age=3600' };
  return { status: 200, headers, body: JSON.stringify(await issuer.keySet()) };
}
