import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';

/** Who sends a request, as authentication found out. */
export interface UserInfo {
  readonly name: string;
  readonly groups: readonly string[];
  readonly uid?: string;
  /** Further facts about the credential, by key. */
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** One request, whatever carried it: a socket or the in-process client. */
export interface ApiRequest {
  readonly method: string;
  /** Decoded by the router; still percent-encoded here, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
  readonly user: UserInfo;
  /** Who really sent it, when `user` is impersonated. */
  readonly impersonator?: UserInfo;
  /** Aborts when the client went away. */
  readonly signal: AbortSignal;
  /** Address of the client; absent in process. */
  readonly sourceAddress?: string;
  /** Takes what authorization and admission have to say for the audit log; absent: nobody listens. */
  readonly auditAnnotations?: Map<string, string>;
}

/** Where a streaming answer goes. */
export interface AnswerSink {
  /** Queues a chunk; never blocks. */
  write(chunk: Uint8Array): void;
  /** Bytes queued and not yet taken by the client. */
  readonly queuedBytes: number;
  /** Resolves when the queue has room again or the client is gone. */
  drained(): Promise<void>;
  end(): void;
  /** Cuts the client off without a proper end. */
  abort(): void;
}

/** A complete answer, or the head of a streaming one. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
  /** Called once after the head went out; resolves when the stream is over. */
  readonly stream?: (sink: AnswerSink) => Promise<void>;
  /** Only with status 101: takes the connection over after the head went out. */
  readonly upgrade?: (client: Duplex, head: Buffer) => void;
}

/** Kubernetes group of every user that proved an identity. */
export const authenticatedGroup = 'system:authenticated';
/** Kubernetes group that may do everything. */
export const mastersGroup = 'system:masters';
/** The user of requests without credentials. */
export const anonymousUser: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

/** True for members of `system:masters`. */
export function isAdministrator(user: UserInfo): boolean {
  return user.groups.includes(mastersGroup);
}
