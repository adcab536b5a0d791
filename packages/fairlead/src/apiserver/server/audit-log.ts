import { createWriteStream, type WriteStream } from 'node:fs';
import type { Clock } from '../../sys/clock.ts';
import type { ApiRequest, UserInfo } from './api-request.ts';
import { requestAttributes } from './authorize.ts';

/** Most bytes that wait for the disk; what comes on top is dropped and counted. */
const queueMaxBytes = 4 * 1024 * 1024;

/** One finished request. */
export interface AuditedRequest {
  readonly auditId: string;
  readonly request: ApiRequest;
  readonly code: number;
  /** Unix milliseconds. */
  readonly receivedMs: number;
}

/**
 * Writes one line per request: `audit.k8s.io/v1` Events of level Metadata, as JSON. Never holds a
 * request up: a disk that does not keep up loses lines, and the next one that gets through says how many.
 */
export class AuditLog {
  readonly #stream: WriteStream;
  readonly #clock: Clock;
  #dropped = 0;

  constructor(file: string, clock: Clock, onError: (error: Error) => void) {
    this.#clock = clock;
    this.#stream = createWriteStream(file, { flags: 'a', mode: 0o600 });
    this.#stream.on('error', onError);
  }

  /** Queues a line. */
  write(audited: AuditedRequest): void {
    if (this.#stream.writableLength > queueMaxBytes) {
      this.#dropped++;
      return;
    }
    const dropped = this.#dropped;
    this.#dropped = 0;
    this.#stream.write(`${JSON.stringify(auditEvent(audited, this.#clock.now(), dropped))}\n`);
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#stream.end(() => resolve()));
  }
}

/** The Event of a finished request; `dropped` is the number of lines lost before it. */
export function auditEvent(audited: AuditedRequest, nowMs: number, dropped: number): object {
  const { auditId, request, code, receivedMs } = audited;
  const attributes = requestAttributes(request);
  const query = request.query.toString();
  const user = request.impersonator ?? request.user;
  return {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    auditID: auditId,
    stage: 'ResponseComplete',
    requestURI: query === '' ? request.path : `${request.path}?${query}`,
    verb: attributes.verb,
    user: userJson(user),
    ...(request.impersonator === undefined ? {} : { impersonatedUser: userJson(request.user) }),
    ...(request.headers['user-agent'] === undefined ? {} : { userAgent: request.headers['user-agent'] }),
    ...(attributes.kind === 'path'
      ? {}
      : {
          objectRef: {
            resource: attributes.resource,
            ...(attributes.namespace === '' ? {} : { namespace: attributes.namespace }),
            ...(attributes.name === '' ? {} : { name: attributes.name }),
            ...(attributes.group === '' ? {} : { apiGroup: attributes.group }),
            apiVersion: attributes.version,
            ...(attributes.subresource === '' ? {} : { subresource: attributes.subresource }),
          },
        }),
    responseStatus: { metadata: {}, code },
    requestReceivedTimestamp: microTime(receivedMs),
    stageTimestamp: microTime(nowMs),
    ...(dropped === 0 ? {} : { annotations: { 'fairlead/dropped-lines': String(dropped) } }),
  };
}

function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

function userJson({ name, uid, groups, extra }: UserInfo): object {
  return { username: name, ...(uid === undefined ? {} : { uid }), groups, ...(extra === undefined ? {} : { extra }) };
}
