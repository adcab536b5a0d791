import { StatusError } from './status-error.ts';

/** One entry of an Accept header, or a Content-Type. */
export interface MediaType {
  /** `type/subtype` in lower case. */
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

/** How to write an answer. */
export interface Representation {
  readonly format: 'json' | 'yaml';
  /** Set when the client asked for a Table or for metadata only. */
  readonly as: 'Table' | 'PartialObjectMetadata' | undefined;
  /** `v1` or `v1beta1` of meta.k8s.io. */
  readonly asVersion: string;
  /** The metadata of a list was asked for, not that of one object. */
  readonly asList?: boolean;
}

const plainJson: Representation = { format: 'json', as: undefined, asVersion: 'v1' };
const accepted = 'application/json, application/yaml, application/vnd.kubernetes.protobuf';
const acceptedStreams = 'application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch';

/** Parses a header of media types (RFC 9110 12.5.1), best first. */
export function parseMediaTypes(header: string): MediaType[] {
  const types: MediaType[] = [];
  for (const part of header.split(',')) {
    const [first = '', ...rest] = part.split(';');
    const parameters = new Map<string, string>();
    for (const parameter of rest) {
      const equals = parameter.indexOf('=');
      if (equals > 0)
        parameters.set(parameter.slice(0, equals).trim().toLowerCase(), parameter.slice(equals + 1).trim());
    }
    const type = first.trim().toLowerCase();
    const quality = Number(parameters.get('q') ?? 1);
    if (type !== '') types.push({ type, parameters, quality: Number.isFinite(quality) ? quality : 0 });
  }
  // Array.sort is stable: equal qualities keep the client's order.
  return types.sort((a, b) => b.quality - a.quality);
}

/** What an answer is about: one built-in object, a list of them, or custom resources, each with words of their own. */
export type Answered = 'object' | 'collection' | 'custom';

/**
 * Chooses the representation of an answer. Protobuf is decoded but never written, so a client
 * that also takes JSON gets JSON.
 */
export function negotiate(
  accept: string | undefined,
  allowTransforms: boolean,
  answered: Answered = 'object',
): Representation {
  if (accept === undefined || accept === '' || accept === 'application/json' || accept === '*/*') return plainJson;
  let refusedTransform = false;
  for (const { type, parameters } of parseMediaTypes(accept)) {
    const format = answered === 'custom' && type === 'application/*' ? 'json' : formatOf(type);
    if (format === undefined) continue;
    const as = parameters.get('as');
    if (as === undefined) return { ...plainJson, format };
    const version = parameters.get('v') ?? '';
    if (allowTransforms && parameters.get('g') === 'meta.k8s.io' && (version === 'v1' || version === 'v1beta1')) {
      if (as === 'Table') return { format, as: 'Table', asVersion: version };
      if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') {
        return { format, as: 'PartialObjectMetadata', asVersion: version, asList: as.endsWith('List') };
      }
    }
    refusedTransform = true;
  }
  if (refusedTransform || answered === 'custom') {
    throw new StatusError(406, 'NotAcceptable', `only the following media types are accepted: ${accepted}`);
  }
  const available = answered === 'collection' ? `${accepted}, ${acceptedStreams}` : accepted;
  throw new StatusError(406, 'NotAcceptable', `406: Not Acceptable\n\nAvailable representations: ${available}`, {});
}

/** 406 for a format that watches do not come in. */
export function notStreamed(): StatusError {
  return new StatusError(406, 'NotAcceptable', `only the following media types are accepted: ${acceptedStreams}`);
}

function formatOf(type: string): 'json' | 'yaml' | undefined {
  if (type === 'application/json' || type === '*/*') return 'json';
  if (type === 'application/yaml') return 'yaml';
  return undefined;
}

/** Parameters of a media type; each has a value. */
const parameters = /^(?:\s*;\s*[\w!#$&^.+-]+=(?:"[^"]*"|[\w!#$&^.+:/-]+))*\s*;?\s*$/;

/** The type of a body: `application/json` for `application/json; charset=utf-8`. */
export function bodyMediaType(contentType: string | undefined): string {
  const given = (contentType ?? '').trim().toLowerCase();
  const end = given.indexOf(';');
  if (end < 0) return given;
  return parameters.test(given.slice(end)) ? given.slice(0, end).trim() : given;
}
