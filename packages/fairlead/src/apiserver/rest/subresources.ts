import { nodeHttp } from '../../sys/node-http.ts';
import type { TokenIssuer } from '../auth/token-issuer.ts';
import { requestToken } from '../auth/token-request.ts';
import { customScaleOf, withCustomReplicas } from '../crd/custom-scale.ts';
import type { ApiAnswer } from '../server/api-request.ts';
import { bodyMediaType, negotiate } from '../server/media-type.ts';
import { badRequest, invalid, methodNotAllowed, StatusError, unknownResource } from '../server/status-error.ts';
import { nodeServer } from '../streaming/node-server.ts';
import { openPodStream } from '../streaming/pod-stream.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import { StoredObject, storedValue } from '../watch/stored-object.ts';
import { applyPatchType } from './apply.ts';
import { applyScale } from './apply-scale.ts';
import { decodeBody, fieldValidation } from './decode-body.ts';
import { evictPod } from './eviction.ts';
import { checkFieldManager } from './field-manager.ts';
import { originalKey } from './original-key.ts';
import { typedPatched } from './patch.ts';
import { customPatchRefused, readPatch } from './read-patch.ts';
import { textAnswer } from './represent.ts';
import type { RestContext, RestRequest } from './rest-context.ts';
import { scaleOf, withReplicas } from './scale.ts';
import { existing, updateObject } from './write-object.ts';
import { checkName, isDryRun, isStale } from './write-options.ts';

const scaleType = {
  apiVersion: 'autoscaling/v1',
  kind: 'Scale',
  typeId: 'autoscaling.v1.Scale',
  group: 'autoscaling',
} as const;
const attempts = 16;

/** Query parameters of pods/log that a node's log server understands. */
const logParameters = [
  'follow',
  'tailLines',
  'sinceSeconds',
  'sinceTime',
  'timestamps',
  'previous',
  'limitBytes',
] as const;

/** Subresources other than `status`. */
export class Subresources {
  readonly #context: RestContext;
  readonly #tokens: TokenIssuer;
  readonly #logToken: string;
  readonly #agent = new nodeHttp.Agent({ keepAlive: true });

  constructor(context: RestContext, tokens: TokenIssuer, logToken: string) {
    this.#context = context;
    this.#tokens = tokens;
    this.#logToken = logToken;
  }

  async handle(target: RestRequest, name: string, subresource: string): Promise<ApiAnswer> {
    const { method } = target.request;
    switch (subresource) {
      case 'scale':
        if (method === 'GET') return this.#getScale(target, name);
        if (method === 'PUT' || method === 'PATCH') return this.#changeScale(target, name);
        throw methodNotAllowed();
      case 'finalize':
        if (method !== 'PUT') throw methodNotAllowed();
        return this.#finalize(target, name);
      case 'binding':
        if (method !== 'POST') throw methodNotAllowed();
        return this.#bind(target, name);
      case 'eviction':
        if (method !== 'POST') throw methodNotAllowed();
        return evictPod(this.#context, target, name);
      case 'log':
        if (method !== 'GET') throw methodNotAllowed();
        return this.#log(target, name);
      case 'exec':
      case 'attach':
      case 'portforward':
        if (method !== 'GET' && method !== 'POST') throw methodNotAllowed();
        return openPodStream(this.#context, target, name, subresource, this.#logToken);
      case 'token':
        if (method !== 'POST') throw methodNotAllowed();
        return requestToken(this.#context, this.#tokens, target, name);
      default:
        throw unknownResource();
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #getScale(target: RestRequest, name: string): ApiAnswer {
    const representation = negotiate(target.request.headers.accept, true);
    return textAnswer(
      200,
      representation,
      JSON.stringify(scaleIn(target, existing(this.#context, target, name).object)),
    );
  }

  async #changeScale(target: RestRequest, name: string): Promise<ApiAnswer> {
    const { request, warnings } = target;
    const representation = negotiate(request.headers.accept, true);
    const isPatch = request.method === 'PATCH';
    const validation = fieldValidation(request.query, isPatch ? 'PatchOptions' : 'UpdateOptions');
    const dryRun = isDryRun(request.query, isPatch ? 'PatchOptions' : 'UpdateOptions');
    const isApply = isPatch && bodyMediaType(request.headers['content-type']) === applyPatchType;
    if (isApply) checkFieldManager(request.query, 'PatchOptions', 'apply');
    const strategic = bodyMediaType(request.headers['content-type']) === 'application/strategic-merge-patch+json';
    if (isPatch && strategic && target.resource.custom !== undefined) throw customPatchRefused();
    const patch = isPatch && !isApply ? readPatch(scaleTarget(target)) : undefined;
    for (let attempt = 1; ; attempt++) {
      const current = existing(this.#context, target, name);
      const before = scaleIn(target, current.object);
      const applied = isApply ? applyScale(this.#context, target, current, before, replicasPath(target)) : undefined;
      const wanted =
        applied !== undefined
          ? { metadata: { resourceVersion: applied.resourceVersion }, spec: { replicas: applied.replicas } }
          : patch === undefined
            ? decodeBody(request, scaleType, validation, warnings)
            : typedPatched(patch, patch.apply(viewOf(before)), scaleType, validation, warnings);
      if (!isPatch) checkName(wanted as KubeObject, name);
      const replicas = recordOf(wanted.spec)?.replicas ?? 0;
      if (typeof replicas !== 'number' || (replicas < 0 && target.resource.custom === undefined)) {
        throw invalid(scaleType, name, [
          {
            reason: 'FieldValueInvalid',
            field: 'spec.replicas',
            message: `Invalid value: ${String(replicas)}: must be greater than or equal to 0`,
          },
        ]);
      }
      const version = wanted.metadata.resourceVersion;
      try {
        const paths = target.resource.custom?.scale;
        const proposed =
          paths === undefined
            ? withReplicas(current.object, replicas, version)
            : withCustomReplicas(current.object, paths, replicas, version);
        const { stored } = await updateObject(this.#context, target, current, proposed, {
          subresource: undefined,
          dryRun,
          isPatch,
          ownedUnder: 'scale',
          replicasPath: replicasPath(target),
          ...(applied === undefined ? {} : { managedFields: applied.managedFields }),
        });
        return textAnswer(200, representation, JSON.stringify(scaleIn(target, stored.object)));
      } catch (error) {
        const bound = !isPatch && (version ?? '') !== '';
        if (bound || !isStale(error) || attempt >= attempts) throw error;
      }
    }
  }

  async #finalize(target: RestRequest, name: string): Promise<ApiAnswer> {
    const { request, resource, warnings } = target;
    const representation = negotiate(request.headers.accept, true);
    const body = decodeBody(request, resource, fieldValidation(request.query, 'UpdateOptions'), warnings);
    for (let attempt = 1; ; attempt++) {
      const current = existing(this.#context, target, name);
      try {
        const { stored } = await updateObject(this.#context, target, current, body, {
          subresource: 'finalize',
          dryRun: isDryRun(request.query, 'UpdateOptions'),
          isPatch: false,
        });
        return textAnswer(200, representation, stored.json);
      } catch (error) {
        if ((body.metadata.resourceVersion ?? '') !== '' || !isStale(error) || attempt >= attempts) throw error;
      }
    }
  }

  /** Puts a Pod on a node, once. */
  /** POST to the collection of Bindings: the same as that to a Pod's `binding`, by the name in the body. */
  bindNamed(target: RestRequest): Promise<ApiAnswer> {
    if (target.request.method !== 'POST' || target.namespace === '') throw methodNotAllowed();
    const pods = this.#context.served.find('', 'v1', 'pods')!;
    return this.#bind({ ...target, resource: pods }, undefined);
  }

  async #bind(target: RestRequest, urlName: string | undefined): Promise<ApiAnswer> {
    const { request, warnings } = target;
    const representation = negotiate(request.headers.accept, true);
    const expected = { apiVersion: 'v1', kind: 'Binding', typeId: 'core.v1.Binding' };
    const binding = decodeBody(request, expected, fieldValidation(request.query, 'CreateOptions'), warnings);
    const name = urlName ?? binding.metadata.name ?? '';
    if ((binding.metadata.name ?? '') !== name) throw badRequest('name in URL does not match name in Binding object');
    const node = String(recordOf(binding.target)?.name ?? '');
    if (node === '') {
      throw invalid({ group: '', kind: 'Binding' }, name, [
        { reason: 'FieldValueRequired', field: 'target.name', message: 'Required value' },
      ]);
    }
    for (let attempt = 1; ; attempt++) {
      const current = existing(this.#context, target, name);
      const pod = current.object;
      const spec = recordOf(pod.spec) ?? {};
      const { uid = '' } = binding.metadata;
      if (uid !== '' && uid !== pod.metadata.uid) {
        const key = originalKey(target.resource, target.namespace, name);
        throw uidMismatch(key, name, uid, pod.metadata.uid ?? '');
      }
      const refuse = (why: string): StatusError =>
        new StatusError(409, 'Conflict', `Operation cannot be fulfilled on pods/binding "${name}": ${why}`, {
          name,
          kind: 'pods/binding',
        });
      if (pod.metadata.deletionTimestamp !== undefined)
        throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
      if ((spec.nodeName ?? '') !== '')
        throw refuse(`pod ${name} is already assigned to node "${String(spec.nodeName)}"`);
      const status = recordOf(pod.status) ?? {};
      const conditions = (Array.isArray(status.conditions) ? (status.conditions as unknown[]) : []).filter(
        (condition) => recordOf(condition)?.type !== 'PodScheduled',
      );
      const scheduled = {
        type: 'PodScheduled',
        status: 'True',
        lastProbeTime: null,
        lastTransitionTime: `${new Date(this.#context.clock.now()).toISOString().slice(0, 19)}Z`,
      };
      const next: KubeObject = {
        ...pod,
        metadata: {
          ...pod.metadata,
          annotations: mergedOrAbsent(pod.metadata.annotations, binding.metadata.annotations),
        },
        spec: { ...spec, nodeName: node },
        status: { ...status, conditions: [...conditions, scheduled] },
      };
      if (isDryRun(request.query, 'CreateOptions')) break;
      const result = await this.#context.storage.commit({
        key: current.key,
        expect: current.modRevision,
        value: storedValue(next),
        decoded: next,
      });
      if (result.ok) break;
      if (attempt >= attempts) throw refuse('the object has been modified');
    }
    return textAnswer(
      201,
      representation,
      JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }),
    );
  }

  /** Streams a container's log from the log server of the Pod's node. */
  async #log(target: RestRequest, name: string): Promise<ApiAnswer> {
    const { request, namespace } = target;
    const pod = existing(this.#context, target, name).object;
    const spec = recordOf(pod.spec) ?? {};
    const containers = namesOf(spec.containers);
    const all = [...containers, ...namesOf(spec.initContainers), ...namesOf(spec.ephemeralContainers)];
    const wanted = request.query.get('container') ?? '';
    if (wanted === '' && containers.length > 1) {
      throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${containers.join(' ')}]`);
    }
    const container = wanted === '' ? (containers[0] ?? '') : wanted;
    if (!all.includes(container)) throw badRequest(`container ${container} is not valid for pod ${name}`);
    const nodeName = String(spec.nodeName ?? '');
    if (nodeName === '') return { status: 200, headers: { 'content-type': 'text/plain' }, body: '' };
    const { host, port } = nodeServer(this.#context, nodeName);
    const query = new URLSearchParams();
    for (const parameter of logParameters) {
      const value = request.query.get(parameter);
      if (value !== null) query.set(parameter, value);
    }
    const path = `/containerLogs/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}/${encodeURIComponent(container)}?${query}`;
    return this.#proxyLog(host, port, path, nodeName, request.signal);
  }

  #proxyLog(host: string, port: number, path: string, nodeName: string, signal: AbortSignal): Promise<ApiAnswer> {
    return new Promise((resolve, reject) => {
      const upstream = nodeHttp.request(
        { host, port, path, agent: this.#agent, signal, headers: { authorization: `Bearer ${this.#logToken}` } },
        (response) => {
          const status = response.statusCode ?? 502;
          resolve({
            status: status === 200 ? 200 : status,
            headers: { 'content-type': response.headers['content-type'] ?? 'text/plain' },
            stream: async (sink) => {
              try {
                for await (const chunk of response as AsyncIterable<Buffer>) {
                  sink.write(chunk);
                  await sink.drained();
                }
                sink.end();
              } catch {
                sink.abort();
              }
            },
          });
        },
      );
      upstream.on('error', (error) => {
        const text = `Get "http://${host}:${port}${path}": ${error.message} (node "${nodeName}")`;
        reject(
          new StatusError(500, 'InternalError', `Internal error occurred: ${text}`, { causes: [{ message: text }] }),
        );
      });
      upstream.end();
    });
  }
}

/** A binding that was made for a Pod of the same name which is gone. */
function uidMismatch(key: string, name: string, given: string, uid: string): StatusError {
  const why = `Precondition failed: UID in precondition: ${given}, UID in object meta: ${uid}`;
  const text = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${why}`;
  return new StatusError(409, 'Conflict', `Operation cannot be fulfilled on pods "${name}": ${text}`, {
    name,
    kind: 'pods',
  });
}

/** The request as one on a built-in Scale, whatever kind it scales. */
function scaleTarget(target: RestRequest): RestRequest {
  const { custom: _, ...resource } = target.resource;
  return { ...target, resource: { ...resource, typeId: scaleType.typeId } };
}

/** Where the number of replicas stands in the scaled object. */
function replicasPath(target: RestRequest): readonly string[] {
  const path = target.resource.custom?.scale?.specReplicas ?? '.spec.replicas';
  return path.split('.').filter((step) => step !== '');
}

function scaleIn(target: RestRequest, object: KubeObject): KubeObject {
  const paths = target.resource.custom?.scale;
  return paths === undefined ? scaleOf(object) : customScaleOf(object, paths);
}

function viewOf(object: KubeObject): StoredObject {
  return new StoredObject({
    key: '',
    value: JSON.stringify(object),
    createRevision: 0,
    modRevision: Number(object.metadata.resourceVersion ?? 0),
  });
}

function namesOf(containers: unknown): string[] {
  return (Array.isArray(containers) ? (containers as unknown[]) : []).map((one) => String(recordOf(one)?.name ?? ''));
}

function mergedOrAbsent(
  left: Record<string, string> | undefined,
  right: Record<string, string> | undefined,
): Record<string, string> | undefined {
  return left === undefined && right === undefined ? undefined : { ...left, ...right };
}
