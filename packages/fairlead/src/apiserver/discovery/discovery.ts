import { createHash } from 'node:crypto';
import { encodeSwagger, openApiV2, openApiV3 } from '@fairlead/api/openapi';
import { compareVersions } from '../crd/version-order.ts';
import type { GroupVersionPriority, ServedResource, ServedResources } from '../resources/served-resources.ts';
import type { ApiAnswer, ApiRequest } from '../server/api-request.ts';
import { parseMediaTypes } from '../server/media-type.ts';
import { unknownResource } from '../server/status-error.ts';
import { checkPaths } from './health.ts';
import { noRemoteGroups, type RemoteGroups, type RemoteGroupVersion } from './remote-groups.ts';

type GroupVersion = readonly [group: string, version: string];

interface Document {
  readonly body: string | Uint8Array;
  readonly etag: string;
}

/** What this server serves, as documents: /api, /apis, aggregated discovery and OpenAPI. */
export class Discovery {
  readonly #served: ServedResources;
  readonly #documents = new Map<string, Document>();
  #generation = '';
  /** Group versions of other servers; what they and this server both have is theirs. */
  remote: RemoteGroups = noRemoteGroups;

  constructor(served: ServedResources) {
    this.#served = served;
  }

  /** True for paths this answers: roots, group and group version documents, OpenAPI. */
  isDocument(path: string): boolean {
    const segments = path.split('/').slice(1);
    if (segments.at(-1) === '') segments.pop();
    switch (segments[0]) {
      case undefined:
        return path === '/';
      case 'api':
        return segments.length === 1 || (segments.length === 2 && segments[1] === 'v1');
      case 'apis':
        if (segments.length === 1) return true;
        if (segments.length > 3 || (segments[1] ?? '') === '') return false;
        if (segments.length === 3 && this.#remoteOf(segments[1]!, segments[2]!) !== undefined) return false;
        return (
          this.#served.hasGroup(segments[1]!) || this.remote.groupVersions.some(({ group }) => group === segments[1])
        );
      case 'openapi':
        if (segments[1] === 'v3') {
          return segments.length !== 5 || this.#remoteOf(segments[3]!, segments[4]!) === undefined;
        }
        return segments[1] === 'v2' && segments.length === 2;
      default:
        return false;
    }
  }

  answer(request: ApiRequest): ApiAnswer {
    const segments = request.path.split('/').slice(1);
    if (segments.at(-1) === '') segments.pop();
    if (segments[0] === 'openapi' && segments[1] === 'v2') return this.#openApiV2(request);
    if (segments[0] === 'openapi') return this.#openApi(request, segments.slice(2));
    if (segments.length === 0)
      return answerDocument(
        request,
        this.#document('/', () => this.#paths()),
        'application/json',
      );
    const [root = '', group = '', version = ''] = segments;
    if (segments.length === 1) {
      const aggregated = aggregatedVersion(request.headers.accept);
      if (aggregated !== undefined) return this.#aggregated(request, root, aggregated);
      const document = this.#document(`/${root}`, () => (root === 'api' ? coreVersions() : this.#groupList()));
      return answerDocument(request, document, 'application/json');
    }
    const groupName = root === 'api' ? '' : group;
    const groupVersion = root === 'api' ? group : version;
    if (root === 'apis' && segments.length === 2) {
      const document = this.#document(`/apis/${group}`, () => ({
        kind: 'APIGroup',
        apiVersion: 'v1',
        ...this.#group(group),
      }));
      return answerDocument(request, document, 'application/json');
    }
    const resources = this.#served.ofGroupVersion(groupName, groupVersion);
    if (resources.length === 0) throw unknownResource();
    const document = this.#document(request.path, () => resourceList(resources));
    return answerDocument(request, document, 'application/json');
  }

  /** A document by name, kept until what is served changes; bytes stay as they are, all else becomes JSON. */
  #document(name: string, build: () => object): Document {
    const generation = `${this.#served.generation} ${this.remote.generation}`;
    if (this.#generation !== generation) {
      this.#documents.clear();
      this.#generation = generation;
    }
    let document = this.#documents.get(name);
    if (document === undefined) {
      const built = build();
      const content = built instanceof Uint8Array ? built : JSON.stringify(built);
      const hash = createHash('sha512').update(content).digest('hex').toUpperCase();
      document = { body: typeof content === 'string' ? `${content}\n` : content, etag: `"${hash}"` };
      this.#documents.set(name, document);
    }
    return document;
  }

  #remoteOf(group: string, version: string): RemoteGroupVersion | undefined {
    return this.remote.groupVersions.find((one) => one.group === group && one.version === version);
  }

  /** All group versions but the core one, in the order of their priorities. */
  #groupVersions(): readonly GroupVersion[] {
    const remote = this.remote.groupVersions;
    if (remote.length === 0) return this.#served.groupVersions;
    const own = this.#served.priorities.filter(({ group, version }) => this.#remoteOf(group, version) === undefined);
    return byPriority([...own, ...remote]).map(({ group, version }) => [group, version]);
  }

  /** Every path that is no resource, as `GET /` lists them. */
  #paths(): object {
    const groups = this.#groupVersions().flatMap(([group, version]) => [`/apis/${group}`, `/apis/${group}/${version}`]);
    const others = ['/api', '/api/v1', '/apis', '/apis/', '/metrics', '/openapi/v2', '/openapi/v3', '/openapi/v3/'];
    const about = ['/.well-known/openid-configuration', '/openid/v1/jwks', '/version'];
    return { paths: [...new Set([...groups, ...others, ...about, ...checkPaths])].sort() };
  }

  #group(group: string): object {
    const versions = this.#groupVersions()
      .filter((one) => one[0] === group)
      .map(([, version]) => ({ groupVersion: `${group}/${version}`, version }));
    return { name: group, versions, preferredVersion: versions[0] };
  }

  #groupList(): object {
    const groups = [...new Set(this.#groupVersions().map(([group]) => group))].map((group) => this.#group(group));
    return { kind: 'APIGroupList', apiVersion: 'v1', groups };
  }

  #aggregated(request: ApiRequest, root: string, version: string): ApiAnswer {
    const document = this.#document(`/${root}?${version}`, () => {
      const versions = root === 'api' ? ([['', 'v1']] as const) : this.#groupVersions();
      const groups = [...new Set(versions.map(([group]) => group))];
      return {
        kind: 'APIGroupDiscoveryList',
        apiVersion: `apidiscovery.k8s.io/${version}`,
        metadata: {},
        items: groups.map((group) => ({
          metadata: group === '' ? { creationTimestamp: null } : { name: group, creationTimestamp: null },
          versions: versions
            .filter((one) => one[0] === group)
            .map(([, groupVersion]) => {
              const remote = this.#remoteOf(group, groupVersion);
              return {
                version: groupVersion,
                resources:
                  remote?.resources ?? this.#served.ofGroupVersion(group, groupVersion).map(aggregatedResource),
                freshness: remote?.fresh === false ? 'Stale' : 'Current',
              };
            }),
        })),
      };
    });
    return answerDocument(
      request,
      document,
      `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
    );
  }

  #openApi(request: ApiRequest, segments: readonly string[]): ApiAnswer {
    const paths = new Map<string, GroupVersion>();
    paths.set('api/v1', ['', 'v1']);
    for (const [group, version] of this.#groupVersions()) paths.set(`apis/${group}/${version}`, [group, version]);
    for (const { group, version, openApiHash } of this.remote.groupVersions) {
      if (openApiHash === undefined) paths.delete(`apis/${group}/${version}`);
    }
    if (segments.length === 0) {
      const document = this.#document('/openapi/v3', () => ({
        paths: Object.fromEntries(
          [...paths].map(([path, groupVersion]) => [
            path,
            {
              serverRelativeURL: `/openapi/v3/${path}?hash=${this.#remoteOf(...groupVersion)?.openApiHash ?? this.#openApiHash(groupVersion)}`,
            },
          ]),
        ),
      }));
      return answerDocument(request, document, 'application/json');
    }
    const groupVersion = paths.get(segments.join('/'));
    if (groupVersion === undefined) throw unknownResource();
    const document = this.#openApiDocument(groupVersion);
    const answer = answerDocument(request, document, 'application/json');
    const immutable = request.query.get('hash') === this.#openApiHash(groupVersion);
    return immutable
      ? { ...answer, headers: { ...answer.headers, 'cache-control': 'public, immutable, max-age=31536000' } }
      : answer;
  }

  #openApiDocument(groupVersion: GroupVersion): Document {
    return this.#document(`openapi:${groupVersion.join('/')}`, () => this.#openApiV3(groupVersion));
  }

  #openApiV3([group, version]: GroupVersion): object {
    const resources = this.#served.ofGroupVersion(group, version);
    return openApiV3(
      group === '' ? version : `${group}/${version}`,
      resources.map((resource) => ({
        ...resource.facts,
        subresources: resource.facts.subresources.filter(({ name }) => resource.subresources.has(name)),
      })),
      resources.flatMap(({ kind, custom }) =>
        custom === undefined ? [] : [{ kind, listKind: custom.listKind, schema: custom.schema }],
      ),
    );
  }

  /** The document for clients that know nothing newer, in JSON or protobuf; built when one asks. */
  #openApiV2(request: ApiRequest): ApiAnswer {
    const build = (): object => {
      const own = this.#served.groupVersions.filter((one) => this.#remoteOf(...one) === undefined);
      const groupVersions: readonly GroupVersion[] = [['', 'v1'], ...own];
      const others = this.remote.groupVersions.flatMap(({ openApi }) => openApi ?? []);
      return openApiV2([...groupVersions.map((one) => this.#openApiV3(one)), ...others]);
    };
    if (!String(request.headers.accept ?? '').includes('proto-openapi')) {
      return answerDocument(request, this.#document('/openapi/v2', build), 'application/json');
    }
    const document = this.#document('/openapi/v2.pb', () => encodeSwagger(build()));
    // What clients ask for has an @ in it, which their own parser of answers does not take.
    return answerDocument(request, document, 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf');
  }

  #openApiHash(groupVersion: GroupVersion): string {
    return this.#openApiDocument(groupVersion).etag.slice(1, -1);
  }
}

/** Groups by the highest priority in them, then by name; versions by theirs, then as they came. */
function byPriority(all: readonly GroupVersionPriority[]): GroupVersionPriority[] {
  const highest = new Map<string, number>();
  for (const { group, groupPriority } of all) highest.set(group, Math.max(highest.get(group) ?? 0, groupPriority));
  return [...all].sort((a, b) => {
    if (a.group === b.group) return b.versionPriority - a.versionPriority || compareVersions(a.version, b.version);
    return highest.get(b.group)! - highest.get(a.group)! || (a.group < b.group ? -1 : 1);
  });
}

function answerDocument(request: ApiRequest, document: Document, contentType: string): ApiAnswer {
  const headers = {
    'content-type': contentType,
    etag: document.etag,
    'cache-control': 'public',
    vary: 'Accept',
  };
  if (request.headers['if-none-match']?.includes(document.etag)) return { status: 304, headers };
  return { status: 200, headers, body: document.body };
}

/** `v2` or `v2beta1` when the client asks for aggregated discovery first. */
function aggregatedVersion(accept: string | undefined): string | undefined {
  for (const { type, parameters } of parseMediaTypes(accept ?? '')) {
    if (type !== 'application/json' && type !== '*/*') continue;
    if (parameters.get('as') !== 'APIGroupDiscoveryList') return undefined;
    const version = parameters.get('v') ?? '';
    if (parameters.get('g') === 'apidiscovery.k8s.io' && (version === 'v2' || version === 'v2beta1')) return version;
  }
  return undefined;
}

function coreVersions(): object {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '' }],
  };
}

function servedSubresources(
  resource: ServedResource,
): { name: string; group: string; version: string; kind: string; verbs: readonly string[] }[] {
  return resource.facts.subresources
    .filter(({ name }) => resource.subresources.has(name))
    .map(({ name, kind, verbs }) => {
      const parts = kind.split('/');
      const [group, version, plain] = parts.length === 3 ? parts : ['', parts[0], parts[1]];
      return { name, group: group ?? '', version: version ?? '', kind: plain ?? '', verbs };
    });
}

function resourceList(resources: readonly ServedResource[]): object {
  const entries = resources.flatMap((resource) => {
    const { facts } = resource;
    return [
      {
        name: facts.plural,
        singularName: facts.singular,
        namespaced: facts.namespaced,
        kind: facts.kind,
        verbs: facts.verbs,
        ...(facts.shortNames.length === 0 ? {} : { shortNames: facts.shortNames }),
        ...(facts.categories.length === 0 ? {} : { categories: facts.categories }),
        ...(facts.storageVersionHash === undefined ? {} : { storageVersionHash: facts.storageVersionHash }),
      },
      ...servedSubresources(resource).map((sub) => ({
        name: `${facts.plural}/${sub.name}`,
        singularName: '',
        namespaced: facts.namespaced,
        ...(sub.group === resource.group && sub.version === resource.version
          ? {}
          : { group: sub.group, version: sub.version }),
        kind: sub.kind,
        verbs: sub.verbs,
      })),
    ];
  });
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: resources[0]!.apiVersion, resources: entries };
}

function aggregatedResource(resource: ServedResource): object {
  const { facts } = resource;
  const subresources = servedSubresources(resource).map((sub) => ({
    subresource: sub.name,
    responseKind: { group: sub.group, version: sub.version, kind: sub.kind },
    verbs: sub.verbs,
  }));
  return {
    resource: facts.plural,
    responseKind: { group: facts.group, version: facts.version, kind: facts.kind },
    scope: facts.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: facts.singular,
    verbs: facts.verbs,
    ...(facts.shortNames.length === 0 ? {} : { shortNames: facts.shortNames }),
    ...(facts.categories.length === 0 ? {} : { categories: facts.categories }),
    ...(subresources.length === 0 ? {} : { subresources }),
  };
}
