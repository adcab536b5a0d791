import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Authorizer } from '../authorization/authorizer.ts';
import { type ApiRequest, mastersGroup, type UserInfo } from '../server/api-request.ts';
import { StatusError } from '../server/status-error.ts';
import { impersonated } from './impersonation.ts';

/** Allows what the list names: `verb resource/name`. */
function authorizerOf(...allowed: string[]): Authorizer {
  const resource = (_: UserInfo, wanted: Parameters<Authorizer['resource']>[1]) => ({
    allowed: allowed.includes(
      `${wanted.verb} ${[wanted.resource, wanted.subresource, wanted.name].filter(Boolean).join('/')}`,
    ),
    reason: '',
  });
  return { resource } as Partial<Authorizer> as Authorizer;
}

function requestWith(headers: ApiRequest['headers']): ApiRequest {
  return {
    method: 'GET',
    path: '/api',
    query: new URLSearchParams(),
    headers,
    body: new Uint8Array(),
    user: { name: 'ida', groups: [mastersGroup] },
    signal: new AbortController().signal,
  };
}

describe('impersonation', () => {
  const rows: readonly [string, string[], ApiRequest['headers'], Partial<UserInfo> | RegExp][] = [
    ['none', [], {}, { name: 'ida' }],
    [
      'a user',
      ['impersonate users/jane'],
      { 'impersonate-user': 'jane' },
      { name: 'jane', groups: ['system:authenticated'] },
    ],
    [
      'a user who may not be',
      [],
      { 'impersonate-user': 'jane' },
      /^users "jane" is forbidden: User "ida" cannot impersonate resource "users" in API group "" at the cluster scope$/,
    ],
    [
      'groups',
      ['impersonate users/jane', 'impersonate groups/a', 'impersonate groups/b'],
      { 'impersonate-user': 'jane', 'impersonate-group': 'a, b' },
      { groups: ['a', 'b', 'system:authenticated'] },
    ],
    [
      'a group who may not be',
      ['impersonate users/jane'],
      { 'impersonate-user': 'jane', 'impersonate-group': 'system:masters' },
      /^groups "system:masters" is forbidden: /,
    ],
    [
      'a ServiceAccount',
      ['impersonate serviceaccounts/robot'],
      { 'impersonate-user': 'system:serviceaccount:ns:robot' },
      { groups: ['system:serviceaccounts', 'system:serviceaccounts:ns', 'system:authenticated'] },
    ],
    [
      'anonymous',
      ['impersonate users/system:anonymous'],
      { 'impersonate-user': 'system:anonymous' },
      { groups: ['system:unauthenticated'] },
    ],
    [
      'uid and extra',
      ['impersonate users/jane', 'impersonate uids/7', 'impersonate userextras/scopes/all'],
      { 'impersonate-user': 'jane', 'impersonate-uid': '7', 'impersonate-extra-scopes': 'all' },
      { uid: '7', extra: { scopes: ['all'] } },
    ],
    [
      'an extra that may not be',
      ['impersonate users/jane'],
      { 'impersonate-user': 'jane', 'impersonate-extra-scopes': 'all' },
      /cannot impersonate resource "userextras\/scopes" in API group "authentication\.k8s\.io"/,
    ],
    [
      'a group of nobody',
      [],
      { 'impersonate-group': 'a' },
      /^Internal Server Error: "[^"]*": requested \[\{Group {2}a {4}\}\] without impersonating a user\n$/,
    ],
    [
      'an extra and a uid of nobody',
      [],
      { 'impersonate-uid': '5', 'impersonate-extra-a': 'b' },
      /requested \[\{UserExtra {2}b {2}authentication\.k8s\.io\/v1 {2}a\} \{UID {2}5 {2}authentication\.k8s\.io\/v1 {2}\}\] without/,
    ],
  ];
  for (const [name, allowed, headers, expected] of rows) {
    test(name, () => {
      const act = (): UserInfo => impersonated(authorizerOf(...allowed), requestWith(headers)).user;
      if (!(expected instanceof RegExp)) assert.partialDeepStrictEqual(act(), expected);
      else
        assert.throws(act, (error) => error instanceof StatusError && expected.test(error.plainText ?? error.message));
    });
  }
});
