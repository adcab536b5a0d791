import { CelAuthorizer } from '../cel/authorizer-functions.ts';
import type { RestContext } from '../rest/rest-context.ts';
import { authenticatedGroup, type UserInfo } from '../server/api-request.ts';
import type { AdmissionAttributes } from './admission-attributes.ts';

/** The variable `authorizer` for the user of a write. */
export function authorizerOf(context: RestContext, write: AdmissionAttributes): CelAuthorizer {
  const { resource, subresource = '', namespace, name, user } = write;
  const requested = { group: resource.group, resource: resource.plural, subresource, namespace, name };
  return new CelAuthorizer((question, account) => {
    const who = account === undefined ? user : serviceAccountUser(account.namespace, account.name);
    if (question.kind === 'path') return context.authorizer.path(who, question);
    return context.authorizer.resource(who, { version: '*', ...question });
  }, requested);
}

function serviceAccountUser(namespace: string, name: string): UserInfo {
  return {
    name: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, authenticatedGroup],
  };
}
