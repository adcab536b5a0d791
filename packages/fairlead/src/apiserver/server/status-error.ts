import type { FieldCause } from '@fairlead/api/schema';
import type { ApiAnswer } from './api-request.ts';

/** One entry of `Status.details.causes`. */
export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

/** `Status.details`; `kind` is the plural name in most answers and the kind in 422. */
export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** A `Status` object of an answer other than 2xx. */
export interface FailureStatus {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly status: 'Failure';
  readonly message: string;
  readonly reason?: string;
  readonly details?: StatusDetails;
  readonly code: number;
}

/** The name of a resource in messages and details. */
export interface NamedResource {
  readonly group: string;
  readonly plural: string;
  readonly kind: string;
}

/** A refusal on its way to the client; becomes an answer in {@link statusAnswer} only. */
export class StatusError extends Error {
  override readonly name: string = 'StatusError';
  readonly status: FailureStatus;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** What is answered instead of the Status, by filters that come before the API. */
  readonly plainText: string | undefined;

  constructor(
    code: number,
    reason: string | undefined,
    message: string,
    details?: StatusDetails,
    extra: {
      readonly metadata?: Readonly<Record<string, unknown>>;
      readonly headers?: Readonly<Record<string, string | readonly string[]>>;
      readonly plainText?: string;
    } = {},
  ) {
    super(message);
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: extra.metadata ?? {},
      status: 'Failure',
      message,
      ...(reason === undefined ? {} : { reason }),
      ...(details === undefined ? {} : { details }),
      code,
    };
    this.headers = extra.headers ?? {};
    this.plainText = extra.plainText;
  }
}

/** The answer for a refusal. */
export function statusAnswer(error: StatusError): ApiAnswer {
  if (error.plainText !== undefined) {
    const headers = { 'content-type': 'text/plain; charset=utf-8', ...error.headers };
    return { status: error.status.code, headers, body: error.plainText };
  }
  return {
    status: error.status.code,
    headers: { 'content-type': 'application/json', ...error.headers },
    body: `${JSON.stringify(error.status)}\n`,
  };
}

/** `services` or `deployments.apps`, as in messages. */
export function qualifiedResource(resource: NamedResource): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
}

function detailsOf(resource: NamedResource, name: string): StatusDetails {
  return {
    ...(name === '' ? {} : { name }),
    ...(resource.group === '' ? {} : { group: resource.group }),
    kind: resource.plural,
  };
}

/** 404 for an object. */
export function notFound(resource: NamedResource, name: string): StatusError {
  return new StatusError(
    404,
    'NotFound',
    `${qualifiedResource(resource)} "${name}" not found`,
    detailsOf(resource, name),
  );
}

/** 409 for a name that is taken. */
export function alreadyExists(resource: NamedResource, name: string, terminating: boolean): StatusError {
  const prefix = terminating ? 'object is being deleted: ' : '';
  return new StatusError(
    409,
    'AlreadyExists',
    `${prefix}${qualifiedResource(resource)} "${name}" already exists`,
    detailsOf(resource, name),
  );
}

/** 409 for a stale write. */
export function conflict(resource: NamedResource, name: string, why: string): StatusError {
  return new StatusError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualifiedResource(resource)} "${name}": ${why}`,
    detailsOf(resource, name),
  );
}

/** The text of a conflict by resource version. */
export const modifiedText =
  'the object has been modified; please apply your changes to the latest version and try again';

/** 403 by a rule of admission. */
export function forbidden(
  resource: NamedResource,
  name: string,
  why: string,
  causes?: readonly StatusCause[],
): StatusError {
  return new StatusError(403, 'Forbidden', `${qualifiedResource(resource)} "${name}" is forbidden: ${why}`, {
    ...detailsOf(resource, name),
    ...(causes === undefined ? {} : { causes }),
  });
}

/** 422 with one cause per field; equal messages are written once. */
export function invalid(
  resource: { readonly group: string; readonly kind: string },
  name: string,
  causes: readonly FieldCause[],
): StatusError {
  const kind = resource.group === '' ? resource.kind : `${resource.kind}.${resource.group}`;
  const lines = [...new Set(causes.map((cause) => `${cause.field}: ${cause.message}`))];
  const text = lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`;
  return new StatusError(422, 'Invalid', `${kind} "${name}" is invalid: ${text}`, {
    ...(name === '' ? {} : { name }),
    ...(resource.group === '' ? {} : { group: resource.group }),
    ...(resource.kind === '' ? {} : { kind: resource.kind }),
    causes: causes.map(({ reason, message, field }) => ({ reason, message, field })),
  });
}

/** 400. */
export function badRequest(message: string): StatusError {
  return new StatusError(400, 'BadRequest', message);
}

/** 404 for an unknown resource in a known group. */
export function unknownResource(): StatusError {
  return new StatusError(404, 'NotFound', 'the server could not find the requested resource', {});
}

/** 405. */
export function methodNotAllowed(): StatusError {
  return new StatusError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {},
  );
}

/** 410 for history that is gone. */
export function expired(message: string, metadata?: Readonly<Record<string, unknown>>): StatusError {
  return new StatusError(410, 'Expired', message, undefined, metadata === undefined ? {} : { metadata });
}

/** 504 for a version that does not exist yet. */
export function versionTooLarge(wanted: number, current: number): StatusError {
  return new StatusError(
    504,
    'Timeout',
    `Timeout: Too large resource version: ${wanted}, current: ${current}`,
    { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }], retryAfterSeconds: 1 },
    { headers: { 'retry-after': '1' } },
  );
}

/** The answer for a path of no known group. */
export const pageNotFound: ApiAnswer = {
  status: 404,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
  body: '404 page not found\n',
};
