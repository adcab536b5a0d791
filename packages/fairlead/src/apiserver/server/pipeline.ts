// Hot path: every request passes through here.

import { randomUUID } from 'node:crypto';
import { gzip } from 'node:zlib';
import type { Log } from '../../sys/role.ts';
import type { ExtensionServers } from '../aggregation/extension-servers.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import { impersonated } from '../auth/impersonation.ts';
import { openIdAnswer } from '../auth/open-id.ts';
import type { TokenIssuer } from '../auth/token-issuer.ts';
import { prepareViews } from '../crd/custom-view.ts';
import type { Discovery } from '../discovery/discovery.ts';
import type { Health } from '../discovery/health.ts';
import type { Fairness, FlowClass } from '../fairness/fairness.ts';
import { getComponentStatuses } from '../rest/component-status.ts';
import { deleteCollection, deleteObject } from '../rest/delete.ts';
import { BadVersion } from '../rest/list-options.ts';
import { postObject, putObject } from '../rest/modify.ts';
import { answerNewEvents, newEventsGroup } from '../rest/new-events.ts';
import { isPartOfObject } from '../rest/object-subresources.ts';
import { patchObject } from '../rest/patch.ts';
import { getObject, listObjects } from '../rest/read.ts';
import { inAskedFormat } from '../rest/represent.ts';
import type { RestContext, RestRequest } from '../rest/rest-context.ts';
import type { Subresources } from '../rest/subresources.ts';
import { watchObjects } from '../rest/watch.ts';
import type { Reviews } from '../reviews/reviews.ts';
import type { ApiAnswer, ApiRequest } from './api-request.ts';
import { authorize, isWatch, type RequestAttributes, requestAttributes } from './authorize.ts';
import { isTooDeep } from './body-depth.ts';
import { type Route, routeResource } from './route.ts';
import { snapshotAnswer } from './snapshot-answer.ts';
import {
  badRequest,
  methodNotAllowed,
  notFound,
  pageNotFound,
  StatusError,
  statusAnswer,
  unknownResource,
} from './status-error.ts';
import { storageFailure } from './storage-failure.ts';

/** Bodies from this size on are compressed for clients that accept it, in bytes; as the real server. */
const gzipFrom = 128 * 1024;

/** The steps of one request, from the authenticated request to its answer. */
export class Pipeline {
  readonly #context: RestContext;
  readonly #discovery: Discovery;
  readonly #health: Health;
  readonly #subresources: Subresources;
  readonly #tokens: TokenIssuer;
  readonly #reviews: Reviews;
  readonly #fairness: Fairness;
  readonly #audit: AuditLog | undefined;
  readonly #log: Log;
  /** Passes requests for group versions of other servers on; absent until those are followed. */
  extensions: Pick<ExtensionServers, 'owns' | 'answer'> | undefined;

  constructor(
    context: RestContext,
    discovery: Discovery,
    health: Health,
    subresources: Subresources,
    tokens: TokenIssuer,
    reviews: Reviews,
    limits: { readonly fairness: Fairness; readonly audit: AuditLog | undefined },
    log: Log,
  ) {
    this.#context = context;
    this.#discovery = discovery;
    this.#health = health;
    this.#subresources = subresources;
    this.#tokens = tokens;
    this.#reviews = reviews;
    this.#fairness = limits.fairness;
    this.#audit = limits.audit;
    this.#log = log;
  }

  /** Answers a request; never rejects. */
  async handle(request: ApiRequest): Promise<ApiAnswer> {
    const warnings: string[] = [];
    const auditId = auditIdOf(request);
    const wanted = requestAttributes(request);
    const trail = this.#audit?.begin(auditId, request, wanted);
    let effective = trail === undefined ? request : { ...request, auditAnnotations: trail.annotations };
    let answer: ApiAnswer;
    let leave: (() => void) | undefined;
    let flow: FlowClass | undefined;
    try {
      effective = impersonated(this.#context.authorizer, effective);
      trail?.impersonated(effective);
      flow = this.#fairness.classify(effective.user, wanted);
      const place = this.#fairness.enter(effective, wanted, this.#listedBy(wanted), flow);
      leave = place instanceof Promise ? await place : place;
      answer = await this.#dispatch(effective, wanted, warnings);
    } catch (error) {
      answer = inAskedFormat(request.headers.accept, this.#failure(request, error));
    } finally {
      leave?.();
    }
    answer = {
      ...answer,
      headers: { ...privateHeaders, ...answer.headers, 'audit-id': auditId, ...flowHeaders(flow, wanted) },
    };
    if (trail !== undefined) answer = trail.answered(answer);
    this.#health.count(request.method, answer.status);
    if (warnings.length > 0) {
      answer = {
        ...answer,
        headers: { ...answer.headers, warning: [...new Set(warnings)].map(warningHeader) },
      };
    }
    return compressed(request, answer);
  }

  #failure(request: ApiRequest, error: unknown): ApiAnswer {
    if (error instanceof StatusError) return statusAnswer(error);
    // What is deep in a way that a look at the bytes does not see: YAML, or the result of a patch.
    if (error instanceof RangeError && error.message.includes('call stack')) {
      return statusAnswer(badRequest('exceeded max depth'));
    }
    if (error instanceof BadVersion) return statusAnswer(new StatusError(500, undefined, error.message));
    const ofStorage = storageFailure(error);
    if (ofStorage !== undefined) {
      this.#log('debug', 'store failed', { method: request.method, path: request.path, error: ofStorage.message });
      return statusAnswer(ofStorage);
    }
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#log('error', 'request failed', { method: request.method, path: request.path, error: reason });
    const text = error instanceof Error ? error.message : String(error);
    return statusAnswer(
      new StatusError(500, 'InternalError', `Internal error occurred: ${text}`, { causes: [{ message: text }] }),
    );
  }

  /** How many objects a list reads at most. */
  #listedBy(wanted: RequestAttributes): number {
    if (wanted.kind !== 'resource' || wanted.verb !== 'list') return 0;
    const resource = this.#context.served.find(wanted.group, wanted.version, wanted.resource);
    return resource === undefined ? 0 : this.#context.cache.resource(resource.prefix).size;
  }

  async #dispatch(request: ApiRequest, wanted: RequestAttributes, warnings: string[]): Promise<ApiAnswer> {
    const { path } = request;
    const isResourcePath = path.startsWith('/api/') || path.startsWith('/apis/');
    const documented = this.#discovery.isDocument(path);
    if (!documented && this.extensions?.owns(path) === true) {
      authorize(this.#context.authorizer, request, wanted);
      const answer = this.extensions.answer(request);
      if (answer !== undefined) return answer;
    }
    const route = isResourcePath && !documented ? routeResource(path, this.#context.served) : undefined;
    authorize(this.#context.authorizer, request, wanted);
    if (!isProtobuf(request) && isTooDeep(request.body)) throw badRequest('exceeded max depth');
    if (documented) return this.#discovery.answer(request);
    if (route === undefined) {
      return (
        (await this.#health.answer(request)) ??
        (await openIdAnswer(this.#tokens, request)) ??
        (await snapshotAnswer(this.#context.storage, request)) ??
        this.#debugAnswer(request) ??
        pageNotFound
      );
    }
    switch (route.kind) {
      case 'page-not-found':
        return pageNotFound;
      case 'unknown-resource':
        throw unknownResource();
      case 'no-such-part':
        // A Kubernetes server says that the object is missing, whether it is or not.
        if (route.resource.custom?.warning !== undefined) warnings.push(route.resource.custom.warning);
        throw notFound(route.resource, route.name);
      case 'resource':
        if (request.method !== 'PUT') checkNamePart(route.name);
        return this.#resource(request, route, warnings);
    }
  }

  #debugAnswer({ path }: ApiRequest): ApiAnswer | undefined {
    if (path !== '/debug/api_priority_and_fairness/dump_priority_levels') return undefined;
    return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: this.#fairness.dump() };
  }

  async #resource(
    request: ApiRequest,
    route: Extract<Route, { kind: 'resource' }>,
    warnings: string[],
  ): Promise<ApiAnswer> {
    const { resource, namespace, name, subresource } = route;
    const target: RestRequest = { request, resource, namespace, warnings };
    // Everything below reads the cache: first let it see what other servers of the same store have answered.
    const behind = needsNewest(request) ? this.#context.storage.catchUp() : undefined;
    if (behind !== undefined) await behind;
    if (resource.custom !== undefined) {
      if (resource.custom.warning !== undefined) warnings.push(resource.custom.warning);
      await prepareViews(this.#context.cache, route);
    }
    if (resource.kind === 'Endpoints' && resource.group === '') {
      warnings.push('v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice');
    }
    const context = this.#context;
    const review = this.#reviews.answer(target, name);
    if (review !== undefined) return review;
    if (resource.group === '' && resource.kind === 'ComponentStatus')
      return getComponentStatuses(context, target, name);
    if (resource.group === '' && resource.kind === 'Binding') return this.#subresources.bindNamed(target);
    if (resource.group === newEventsGroup) {
      return answerNewEvents(context, target, name, route.watch || isWatch(request.query));
    }
    if (subresource !== undefined && !isPartOfObject(subresource)) {
      return this.#subresources.handle(target, name ?? '', subresource);
    }
    if (name === undefined) {
      if (subresource !== undefined) throw unknownResource();
      switch (request.method) {
        case 'GET':
          return route.watch || isWatch(request.query)
            ? watchObjects(context, target, undefined)
            : listObjects(context, target);
        case 'POST':
          if (resource.namespaced && namespace === '') throw methodNotAllowed();
          return postObject(context, target);
        case 'DELETE':
          if (!resource.facts.verbs.includes('deletecollection') || (resource.namespaced && namespace === '')) {
            throw methodNotAllowed();
          }
          return deleteCollection(context, target);
        default:
          throw methodNotAllowed();
      }
    }
    switch (request.method) {
      case 'GET':
        if (route.watch) return watchObjects(context, target, name);
        return getObject(context, target, name);
      case 'PUT':
        return putObject(context, target, name, subresource);
      case 'PATCH':
        return patchObject(context, target, name, subresource);
      case 'DELETE':
        if (subresource !== undefined) throw methodNotAllowed();
        return deleteObject(context, target, name);
      default:
        throw methodNotAllowed();
    }
  }
}

/** Throws 400 for a name that no object can have, because it means something in a path. */
function checkNamePart(name: string | undefined): void {
  const why =
    name === '.' || name === '..' ? `may not be '${name}'` : name?.includes('%') ? "may not contain '%'" : undefined;
  if (why !== undefined) throw badRequest(`Name parameter invalid: ${JSON.stringify(name)}: ${why}`);
}

/** Subresources whose requests last: no level answers for them. */
const longRunning: ReadonlySet<string> = new Set(['attach', 'exec', 'proxy', 'log', 'portforward']);

/** Answers are for who asked, unless they say otherwise. */
const privateHeaders = { 'cache-control': 'no-cache, private' } as const;

/** The objects by which a request got its place, as Kubernetes names them. */
function flowHeaders(
  flow: FlowClass | undefined,
  wanted: RequestAttributes,
): Readonly<Record<string, string>> | undefined {
  if (flow === undefined || flow.schema.uid === '') return undefined;
  if (wanted.kind === 'resource' && longRunning.has(wanted.subresource)) return undefined;
  return {
    'x-kubernetes-pf-flowschema-uid': flow.schema.uid,
    'x-kubernetes-pf-prioritylevel-uid': flow.level.uid,
  };
}

/** True for writes, and for reads that ask for no version and so for the newest. */
function needsNewest({ method, query }: ApiRequest): boolean {
  return method !== 'GET' || (query.get('resourceVersion') ?? '') === '';
}

/** The client's own id when it is a sane one, else a new one. */
function auditIdOf(request: ApiRequest): string {
  const given = request.headers['audit-id'];
  return typeof given === 'string' && /^[\x21-\x7e]{1,64}$/.test(given) ? given : randomUUID();
}

function isProtobuf(request: ApiRequest): boolean {
  return String(request.headers['content-type'] ?? '').startsWith('application/vnd.kubernetes.protobuf');
}

/** RFC 9111 5.5 as Kubernetes uses it: code 299, no agent. */
function warningHeader(text: string): string {
  const plain = text.replaceAll(/[^\x20-\x7e]/g, '?').replaceAll(/["\\]/g, '\\$&');
  return `299 - "${plain}"`;
}

async function compressed(request: ApiRequest, answer: ApiAnswer): Promise<ApiAnswer> {
  const { body } = answer;
  if (body === undefined || body.length < gzipFrom) return answer;
  if (!/\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))) return answer;
  const zipped = await new Promise<Buffer>((resolve, reject) => {
    gzip(body, { level: 1 }, (error, result) => (error === null ? resolve(result) : reject(error)));
  });
  return {
    ...answer,
    headers: { ...answer.headers, 'content-encoding': 'gzip', vary: 'Accept-Encoding' },
    body: zipped,
  };
}
