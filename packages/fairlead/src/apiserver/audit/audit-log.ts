// Hot path where auditing is on: every request passes here, once per stage.
import { parseJson } from '@fairlead/api/json-number';
import { decodeProtobufObject, SchemaError } from '@fairlead/api/schema';
import type { Clock } from '../../sys/clock.ts';
import { yamlLibrary } from '../rest/yaml-library.ts';
import type { ApiAnswer, ApiRequest, UserInfo } from '../server/api-request.ts';
import type { RequestAttributes } from '../server/authorize.ts';
import { recordOf } from '../watch/kube-object.ts';
import { type AuditDecision, type AuditPolicy, type AuditStage, auditDecision } from './audit-policy.ts';
import { RotatingFile, type Rotation } from './rotating-file.ts';

/** Bodies of answers beyond this are not written, in characters; the event says so. */
const bodyMaxLength = 4 * 1024 * 1024;

/** Where and how much is written. */
export interface AuditOptions {
  readonly file: string;
  readonly policy: AuditPolicy;
  readonly rotation: Rotation;
}

/**
 * Writes `audit.k8s.io/v1` Events as lines of JSON, as far as the policy asks for them. Never holds
 * a request up: a disk that does not keep up loses lines, and the next one that gets through says how many.
 */
export class AuditLog {
  readonly #file: RotatingFile;
  readonly #policy: AuditPolicy;
  readonly #clock: Clock;
  #dropped = 0;

  constructor(options: AuditOptions, clock: Clock, onError: (error: Error) => void) {
    this.#policy = options.policy;
    this.#clock = clock;
    this.#file = new RotatingFile(options.file, options.rotation, clock, onError);
  }

  /** Begins the trail of a request; `undefined` when nothing is to be written about it. */
  begin(auditId: string, request: ApiRequest, attributes: RequestAttributes): AuditTrail | undefined {
    const decision = auditDecision(this.#policy, request.user, attributes);
    if (decision.level === 'None') return undefined;
    return new AuditTrail(auditId, request, attributes, decision, this.#clock, (event) => this.#write(event));
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  #write(event: Record<string, unknown>): void {
    if (this.#dropped > 0) {
      const annotations = { ...recordOf(event.annotations), 'fairlead/dropped-lines': String(this.#dropped) };
      event.annotations = annotations;
    }
    if (this.#file.write(`${JSON.stringify(event)}\n`)) this.#dropped = 0;
    else this.#dropped++;
  }
}

/** The events of one request, stage by stage. */
class AuditTrail {
  readonly #id: string;
  readonly #attributes: RequestAttributes;
  readonly #decision: AuditDecision;
  readonly #clock: Clock;
  readonly #receivedMs: number;
  readonly #write: (event: Record<string, unknown>) => void;
  #request: ApiRequest;
  /** What authorization and admission note about the request, by key. */
  readonly annotations: Map<string, string> = new Map();

  constructor(
    id: string,
    request: ApiRequest,
    attributes: RequestAttributes,
    decision: AuditDecision,
    clock: Clock,
    write: (event: Record<string, unknown>) => void,
  ) {
    this.#id = id;
    this.#request = request;
    this.#attributes = attributes;
    this.#decision = decision;
    this.#clock = clock;
    this.#receivedMs = clock.now();
    this.#write = write;
    this.#stage('RequestReceived', undefined);
  }

  /** The request as the user it is made for. */
  impersonated(request: ApiRequest): void {
    this.#request = request;
  }

  /** Writes the events of an answer: at once, or for a stream when it begins and when it is over. */
  answered(answer: ApiAnswer): ApiAnswer {
    const { stream } = answer;
    if (stream === undefined) {
      this.#stage('ResponseComplete', answer);
      return answer;
    }
    return {
      ...answer,
      stream: async (sink) => {
        this.#stage('ResponseStarted', answer);
        try {
          await stream(sink);
        } finally {
          this.#stage('ResponseComplete', answer);
        }
      },
    };
  }

  #stage(stage: AuditStage, answer: ApiAnswer | undefined): void {
    const { level, omitStages } = this.#decision;
    if (omitStages.has(stage)) return;
    const request = this.#request;
    const attributes = this.#attributes;
    const query = request.query.toString();
    const caller = request.impersonator ?? request.user;
    const withRequest = level === 'Request' || level === 'RequestResponse';
    const isResource = attributes.kind === 'resource';
    const after = stage !== 'RequestReceived';
    const event: Record<string, unknown> = {
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level,
      auditID: this.#id,
      stage,
      requestURI: query === '' ? request.path : `${request.path}?${query}`,
      verb: attributes.verb,
      user: userJson(caller),
      ...(request.impersonator === undefined ? {} : { impersonatedUser: userJson(request.user) }),
      ...(request.sourceAddress === undefined ? {} : { sourceIPs: [request.sourceAddress] }),
      ...(request.headers['user-agent'] === undefined ? {} : { userAgent: request.headers['user-agent'] }),
      ...(isResource ? { objectRef: objectReference(attributes) } : {}),
      ...(answer === undefined ? {} : { responseStatus: responseStatus(answer) }),
      ...(withRequest && isResource && after ? this.#body('requestObject', requestBody(request)) : {}),
      ...(level === 'RequestResponse' && isResource && after && stage === 'ResponseComplete' && answer !== undefined
        ? this.#body('responseObject', jsonBody(answer.body))
        : {}),
      requestReceivedTimestamp: microTime(this.#receivedMs),
      stageTimestamp: microTime(this.#clock.now()),
      ...(this.annotations.size === 0 ? {} : { annotations: Object.fromEntries(this.annotations) }),
    };
    this.#write(event);
  }

  #body(field: 'requestObject' | 'responseObject', value: unknown): Record<string, unknown> {
    if (value === undefined) return {};
    return { [field]: this.#decision.omitManagedFields ? withoutManagedFields(value) : value };
  }
}

/** A body as JSON, whatever it was sent as; `undefined` for none, or for one that cannot be read. */
function requestBody(request: ApiRequest): unknown {
  const { body, headers } = request;
  if (body.length === 0) return undefined;
  const type = String(headers['content-type'] ?? '');
  if (type.startsWith('application/vnd.kubernetes.protobuf')) return protobufBody(body);
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  if (!type.includes('yaml')) return jsonBody(text);
  try {
    return yamlLibrary().parse(text, { maxAliasCount: 0 }) as unknown;
  } catch {
    return undefined;
  }
}

function protobufBody(body: Uint8Array): unknown {
  try {
    const { apiVersion, kind, object } = decodeProtobufObject(body);
    return { kind, apiVersion, ...object };
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error;
    return undefined;
  }
}

function jsonBody(body: string | Uint8Array | undefined): unknown {
  if (body === undefined || body.length === 0) return undefined;
  if (body.length > bodyMaxLength) return { kind: 'Unknown', apiVersion: 'v1', note: 'too large for the audit log' };
  try {
    return parseJson(typeof body === 'string' ? body : Buffer.from(body).toString('utf8'));
  } catch {
    return undefined;
  }
}

function withoutManagedFields(value: unknown): unknown {
  const object = recordOf(value);
  if (object === undefined) return value;
  const items = Array.isArray(object.items) ? { items: (object.items as unknown[]).map(withoutManagedFields) } : {};
  const metadata = recordOf(object.metadata);
  if (metadata?.managedFields === undefined) return { ...object, ...items };
  const { managedFields: _, ...rest } = metadata;
  return { ...object, metadata: rest, ...items };
}

/** For a refusal its whole Status, else the code alone. */
function responseStatus(answer: ApiAnswer): object {
  const failure = answer.status >= 400 ? recordOf(jsonBody(answer.body)) : undefined;
  if (failure?.kind !== 'Status') return { metadata: {}, code: answer.status };
  const { status, message, reason, details, code } = failure;
  return { metadata: {}, status, message, reason, details, code };
}

function objectReference(attributes: Extract<RequestAttributes, { kind: 'resource' }>): object {
  return {
    resource: attributes.resource,
    ...(attributes.namespace === '' ? {} : { namespace: attributes.namespace }),
    ...(attributes.name === '' ? {} : { name: attributes.name }),
    ...(attributes.group === '' ? {} : { apiGroup: attributes.group }),
    apiVersion: attributes.version,
    ...(attributes.subresource === '' ? {} : { subresource: attributes.subresource }),
  };
}

function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

function userJson({ name, uid, groups, extra }: UserInfo): object {
  return { username: name, ...(uid === undefined ? {} : { uid }), groups, ...(extra === undefined ? {} : { extra }) };
}
