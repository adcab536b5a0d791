import { createHash, timingSafeEqual, type X509Certificate } from 'node:crypto';
import { anonymousUser, authenticatedGroup, type UserInfo } from './api-request.ts';
import { StatusError } from './status-error.ts';

/** Whose a token is, and which of the wanted audiences it is for. */
export interface TokenOwner {
  readonly user: UserInfo;
  readonly audiences: readonly string[];
}

/** Finds out who a bearer token belongs to; `undefined` when it is not one of ours, or for others. */
export type TokenAuthenticator = (token: string, audiences: readonly string[]) => TokenOwner | undefined;

/** Tokens known from the start, compared by digest so that timing tells nothing. */
export function staticTokens(tokens: ReadonlyMap<string, UserInfo>): TokenAuthenticator {
  const digests = [...tokens].map(([token, user]) => ({ digest: sha256(token), user }));
  return (token, audiences) => {
    const given = sha256(token);
    let found: UserInfo | undefined;
    for (const { digest, user } of digests) if (timingSafeEqual(digest, given)) found = user;
    return found === undefined ? undefined : { user: found, audiences };
  };
}

/** The user of a request: by client certificate (CN and O), else by bearer token, else anonymous. */
export function authenticate(
  certificateUser: UserInfo | undefined,
  authorization: string | undefined,
  tokens: readonly TokenAuthenticator[],
  audiences: readonly string[],
): UserInfo {
  if (certificateUser !== undefined) return certificateUser;
  const match = /^bearer +(.+)$/i.exec(authorization ?? '');
  if (match === null) return anonymousUser;
  for (const authenticator of tokens) {
    const user = authenticator(match[1]!.trim(), audiences)?.user;
    if (user !== undefined) return { ...user, groups: [...user.groups, authenticatedGroup] };
  }
  throw new StatusError(401, 'Unauthorized', 'Unauthorized');
}

/** The user a verified client certificate names: subject CN, and each O as a group. */
export function userOfCertificate(certificate: X509Certificate): UserInfo | undefined {
  let name: string | undefined;
  const groups: string[] = [];
  for (const line of certificate.subject.split('\n')) {
    const equals = line.indexOf('=');
    const key = line.slice(0, equals);
    const value = line.slice(equals + 1);
    if (key === 'CN') name = value;
    else if (key === 'O') groups.push(value);
  }
  if (name === undefined) return undefined;
  const extra = { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${sha256Hex(certificate.raw)}`] };
  return { name, groups: [...groups, authenticatedGroup], extra };
}

function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
