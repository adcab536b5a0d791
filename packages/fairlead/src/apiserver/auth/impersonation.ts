// Hot path up to its first return: hardly any request is made for somebody else.
import type { IncomingHttpHeaders } from 'node:http';
import type { Authorizer } from '../authorization/authorizer.ts';
import type { ResourceAttributes } from '../authorization/policy-rule.ts';
import { type ApiRequest, anonymousUser, authenticatedGroup, type UserInfo } from '../server/api-request.ts';
import { refusal } from '../server/authorize.ts';
import { StatusError } from '../server/status-error.ts';

const headerPrefix = 'impersonate-';
const userHeader = 'impersonate-user';
const groupHeader = 'impersonate-group';
const uidHeader = 'impersonate-uid';
const extraPrefix = 'impersonate-extra-';
const serviceAccount = /^system:serviceaccount:([^:]+):([^:]+)$/;

/**
 * The request as the user it is made for: `Impersonate-User`, `-Group`, `-Uid`, `-Extra-*`.
 *
 * Each part needs the verb `impersonate` on `users`, `serviceaccounts`, `groups`, `uids` or
 * `userextras/KEY`; throws 403 without it.
 */
export function impersonated(authorizer: Authorizer, request: ApiRequest): ApiRequest {
  const { headers, user } = request;
  if (!impersonates(headers)) return request;
  const name = single(headers[userHeader]);
  const groups = groupsOf(headers);
  const uid = single(headers[uidHeader]);
  const extra = extrasOf(headers);
  if (name === '') {
    // References as Go prints them: kind, namespace, name, uid, API version, resource version, field.
    const version = 'authentication.k8s.io/v1';
    const others = [
      ...groups.map((group) => `{Group  ${group}    }`),
      ...Object.entries(extra).flatMap(([key, values]) =>
        values.map((value) => `{UserExtra  ${value}  ${version}  ${key}}`),
      ),
      ...(uid === '' ? [] : [`{UID  ${uid}  ${version}  }`]),
    ];
    if (others.length === 0) return request;
    const text = `requested [${others.join(' ')}] without impersonating a user`;
    const plainText = `Internal Server Error: ${JSON.stringify(request.path)}: ${text}\n`;
    throw new StatusError(500, 'InternalError', `Internal error occurred: ${text}`, {}, { plainText });
  }
  const demand = (attributes: Partial<ResourceAttributes> & { readonly resource: string }): void => {
    const wanted: ResourceAttributes = {
      verb: 'impersonate',
      group: '',
      version: 'v1',
      subresource: '',
      namespace: '',
      name: '',
      ...attributes,
    };
    const decision = authorizer.resource(user, wanted);
    if (!decision.allowed) throw refusal(user, { kind: 'resource', ...wanted }, decision.reason);
  };
  const account = serviceAccount.exec(name);
  if (account === null) demand({ resource: 'users', name });
  else demand({ resource: 'serviceaccounts', namespace: account[1]!, name: account[2]! });
  for (const group of groups) demand({ resource: 'groups', name: group });
  const authentication = 'authentication.k8s.io';
  if (uid !== '') demand({ resource: 'uids', group: authentication, name: uid });
  for (const [key, values] of Object.entries(extra)) {
    for (const value of values) {
      demand({ resource: 'userextras', subresource: key, group: authentication, name: value });
    }
  }
  return { ...request, user: userInfo(name, groups, uid, extra, account?.[1]), impersonator: user };
}

function impersonates(headers: IncomingHttpHeaders): boolean {
  for (const header in headers) if (header.startsWith(headerPrefix)) return true;
  return false;
}

function userInfo(
  name: string,
  given: readonly string[],
  uid: string,
  extra: Readonly<Record<string, readonly string[]>>,
  accountNamespace: string | undefined,
): UserInfo {
  const groups = [...given];
  if (accountNamespace !== undefined && groups.length === 0) {
    groups.push('system:serviceaccounts', `system:serviceaccounts:${accountNamespace}`);
  }
  if (name === anonymousUser.name) {
    for (const group of anonymousUser.groups) if (!groups.includes(group)) groups.push(group);
  } else if (!groups.includes(authenticatedGroup)) {
    groups.push(authenticatedGroup);
  }
  return {
    name,
    groups,
    ...(uid === '' ? {} : { uid }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

function single(header: string | readonly string[] | undefined): string {
  return typeof header === 'string' ? header : (header?.[0] ?? '');
}

/** Node joins repeated headers with a comma and a blank; group names hold neither. */
function groupsOf(headers: IncomingHttpHeaders): string[] {
  const header = headers[groupHeader];
  const values = typeof header === 'string' ? [header] : (header ?? []);
  return values.flatMap((value) => value.split(/,\s*/)).filter((value) => value !== '');
}

function extrasOf(headers: IncomingHttpHeaders): Record<string, string[]> {
  const extras: Record<string, string[]> = {};
  for (const [header, value] of Object.entries(headers)) {
    if (!header.startsWith(extraPrefix) || value === undefined) continue;
    let key = header.slice(extraPrefix.length);
    try {
      key = decodeURIComponent(key);
    } catch {
      // A key that is not percent-encoded stands for itself.
    }
    extras[key] = (typeof value === 'string' ? [value] : [...value]).flatMap((one) => one.split(/,\s*/));
  }
  return extras;
}
