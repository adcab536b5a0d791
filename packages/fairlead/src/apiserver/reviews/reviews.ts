import { apiAudiences, audiencesOf } from '../auth/token-authenticator.ts';
import type { TokenIssuer } from '../auth/token-issuer.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import { ruleJson } from '../authorization/policy-rule.ts';
import { decodeBody, fieldValidation } from '../rest/decode-body.ts';
import { trackCreate } from '../rest/managed-fields.ts';
import { textAnswer } from '../rest/represent.ts';
import { type RestContext, type RestRequest, timestamp } from '../rest/rest-context.ts';
import { type ApiAnswer, authenticatedGroup, type UserInfo } from '../server/api-request.ts';
import type { TokenAuthenticator } from '../server/authenticate.ts';
import { negotiate } from '../server/media-type.ts';
import { badRequest, methodNotAllowed } from '../server/status-error.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { accessStatus, checkAccessReview, reviewedUser } from './access-review.ts';

const reviewKinds: ReadonlySet<string> = new Set([
  'SelfSubjectAccessReview',
  'SelfSubjectRulesReview',
  'SubjectAccessReview',
  'LocalSubjectAccessReview',
  'SelfSubjectReview',
  'TokenReview',
]);

/** Kinds that are questions: created, answered and not stored. */
export class Reviews {
  readonly #context: RestContext;
  readonly #authorizer: Authorizer;
  readonly #tokens: readonly TokenAuthenticator[];
  readonly #issuer: TokenIssuer;

  constructor(
    context: RestContext,
    authorizer: Authorizer,
    tokens: readonly TokenAuthenticator[],
    issuer: TokenIssuer,
  ) {
    this.#context = context;
    this.#authorizer = authorizer;
    this.#tokens = tokens;
    this.#issuer = issuer;
  }

  /** The answer of a review; `undefined` for any other resource. */
  answer(target: RestRequest, name: string | undefined): ApiAnswer | undefined {
    const { request, resource, warnings } = target;
    if (!reviewKinds.has(resource.kind)) return undefined;
    if (request.method !== 'POST' || name !== undefined) throw methodNotAllowed();
    if (resource.namespaced && target.namespace === '') throw methodNotAllowed();
    const representation = negotiate(request.headers.accept, true);
    const review = decodeBody(request, resource, fieldValidation(request.query, 'CreateOptions'), warnings);
    const answered = this.#answered(target, review);
    const { kind, apiVersion } = resource;
    const { kind: _, apiVersion: __, metadata: given, ...rest } = answered;
    const managedFields = trackCreate(this.#context, target, review);
    const metadata = managedFields === undefined ? given : { ...given, managedFields };
    return textAnswer(201, representation, JSON.stringify({ kind, apiVersion, metadata, ...rest }));
  }

  #answered(target: RestRequest, review: KubeObject): KubeObject {
    const { user } = target.request;
    switch (target.resource.kind) {
      case 'SelfSubjectAccessReview':
        checkAccessReview(review, 'self', '');
        return { ...review, status: accessStatus(this.#authorizer, user, review) };
      case 'SubjectAccessReview':
        checkAccessReview(review, 'cluster', '');
        return { ...review, status: accessStatus(this.#authorizer, reviewedUser(review), review) };
      case 'LocalSubjectAccessReview': {
        const { namespace } = target;
        const given = review.metadata.namespace ?? '';
        if (given !== '' && given !== namespace) {
          throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
        }
        const local: KubeObject = { ...review, metadata: { ...review.metadata, namespace } };
        checkAccessReview(local, 'namespace', namespace);
        return { ...local, status: accessStatus(this.#authorizer, reviewedUser(local), local) };
      }
      case 'SelfSubjectRulesReview':
        return this.#rules(user, review);
      case 'SelfSubjectReview': {
        const metadata = { creationTimestamp: timestamp(this.#context.clock) };
        return { ...review, metadata, status: { userInfo: userJson(user) } };
      }
      default:
        return this.#token(review);
    }
  }

  #rules(user: UserInfo, review: KubeObject): KubeObject {
    const namespace = String(recordOf(review.spec)?.namespace ?? '');
    if (namespace === '') throw badRequest('no namespace on request');
    const rules = this.#authorizer.rulesFor(user, namespace).map(ruleJson);
    return {
      ...review,
      spec: {},
      status: {
        resourceRules: rules
          .filter(({ resources }) => resources !== undefined)
          .map(({ nonResourceURLs: _, ...rule }) => rule),
        nonResourceRules: rules
          .filter(({ nonResourceURLs }) => nonResourceURLs !== undefined)
          .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
        incomplete: false,
      },
    };
  }

  #token(review: KubeObject): KubeObject {
    const spec = recordOf(review.spec) ?? {};
    const token = String(spec.token ?? '');
    if (token === '') throw badRequest('token is required for TokenReview in authentication');
    const asked = Array.isArray(spec.audiences) ? spec.audiences.map(String) : [];
    const wanted = asked.length === 0 ? apiAudiences : asked;
    for (const authenticator of this.#tokens) {
      const found = authenticator(token, wanted);
      if (found === undefined) continue;
      const groups = [...found.user.groups, authenticatedGroup];
      const user = userJson({ ...found.user, groups });
      return { ...review, status: { authenticated: true, user, audiences: found.audiences } };
    }
    const claims = this.#issuer.verify(token);
    const error =
      claims === undefined
        ? 'invalid bearer token'
        : `token audiences ${goQuoted(audiencesOf(claims))} is invalid for the target audiences ${goQuoted(wanted)}`;
    return { ...review, status: { user: {}, error } };
  }
}

function goQuoted(items: readonly string[]): string {
  return `[${items.map((item) => JSON.stringify(item)).join(' ')}]`;
}

function userJson(user: UserInfo): Record<string, unknown> {
  return {
    username: user.name,
    ...(user.uid === undefined ? {} : { uid: user.uid }),
    groups: user.groups,
    ...(user.extra === undefined ? {} : { extra: user.extra }),
  };
}
