import type { FieldCause } from '@fairlead/api/schema';
import { badRequest, expired, invalid, versionTooLarge } from '../server/status-error.ts';
import type { RestContext } from './rest-context.ts';

/** How long a read waits for a version that does not exist yet, in milliseconds; as the real server. */
const futureVersionWaitMs = 3000;

/** The version part of a list or watch request. */
export interface ListVersion {
  /** Absent: the newest. */
  readonly revision: number | undefined;
  readonly match: 'Exact' | 'NotOlderThan' | undefined;
}

/** Position inside a chunked list: base64url JSON in the `continue` parameter. */
export interface ContinueToken {
  /** -1: no snapshot, the rest as of now. */
  readonly revision: number;
  /** Key of the last object sent, relative to the resource's prefix. */
  readonly after: string;
}

/** Writes a continue token. */
export function continueToken(token: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: tokenVersion, rv: token.revision, start: `${token.after}\u0000` })).toString(
    'base64url',
  );
}

/** Reads a continue token; throws 400. */
export function parseContinueToken(text: string): ContinueToken {
  const refused = (why: string): Error => badRequest(`invalid continue token: continue key is not valid: ${why}`);
  const json = Buffer.from(text, 'base64url').toString('utf8');
  let token: { v?: unknown; rv?: unknown; start?: unknown };
  try {
    token = JSON.parse(json) as typeof token;
  } catch {
    const first = json.charAt(0);
    const begins = first === '' || /[[{"0-9-]/.test(first);
    throw refused(
      begins ? 'unexpected end of JSON input' : `invalid character '${first}' looking for beginning of value`,
    );
  }
  const { v, rv, start } = token ?? {};
  if (v !== tokenVersion) throw refused(`server does not recognize this encoded version ${JSON.stringify(v ?? '')}`);
  if (typeof rv !== 'number' || rv === 0)
    throw refused(`incorrect encoded start resourceVersion (version ${tokenVersion})`);
  if (typeof start !== 'string' || start === '') throw refused(`encoded start key empty (version ${tokenVersion})`);
  return { revision: rv, after: start.endsWith('\u0000') ? start.slice(0, -1) : start };
}

const tokenVersion = 'meta.k8s.io/v1';
const int64Max = 2n ** 63n - 1n;

/** A parameter of type int64; 0 when absent. Throws 400 as Go's conversion of texts words it. */
export function integerParameter(query: URLSearchParams, name: string): number {
  const text = query.get(name) ?? '';
  if (text === '') return 0;
  const parsed = `strconv.ParseInt: parsing ${JSON.stringify(text)}`;
  if (!/^[-+]?[0-9]+$/.test(text)) throw badRequest(`${parsed}: invalid syntax`);
  const value = BigInt(text.replace(/^\+/, ''));
  if (value > int64Max || value < -int64Max - 1n) throw badRequest(`${parsed}: value out of range`);
  return Number(value);
}

/** Checks the version parameters of a list or watch as one set; throws 422 `ListOptions`. */
export function listVersion(query: URLSearchParams, isWatch: boolean): ListVersion {
  const version = query.get('resourceVersion') ?? '';
  const match = query.get('resourceVersionMatch') ?? '';
  const sendInitialEvents = query.get('sendInitialEvents');
  const causes: FieldCause[] = [];
  const forbid = (field: string, why: string): void => {
    causes.push({ reason: 'FieldValueForbidden', field, message: `Forbidden: ${why}` });
  };
  if (isWatch) {
    // A watch from now on begins with the present state, as if that had been asked for with a match.
    const fromNow = (version === '' || version === '0') && match === '' && sendInitialEvents === null;
    if ((query.get('continue') ?? '') !== '' && (match !== '' || fromNow)) {
      forbid('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided');
    }
    if (match !== '' && sendInitialEvents === null) {
      forbid(
        'resourceVersionMatch',
        'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
      );
    }
    if (sendInitialEvents !== null && match !== 'NotOlderThan') {
      forbid('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
    }
    if (match !== '' && match !== 'NotOlderThan') causes.push(unsupported(match, ['NotOlderThan']));
  } else {
    if (match !== '' && version === '') {
      forbid('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided');
    }
    if (match !== '' && (query.get('continue') ?? '') !== '') {
      forbid('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided');
    }
    if (match === 'Exact' && version === '0') {
      forbid('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
    }
    if (match !== '' && match !== 'Exact' && match !== 'NotOlderThan') {
      causes.push(unsupported(match, ['Exact', 'NotOlderThan', '']));
    }
    if (sendInitialEvents !== null) forbid('sendInitialEvents', 'sendInitialEvents is forbidden for list');
  }
  if (causes.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', causes);
  return {
    revision: isWatch ? parseVersion(version) : listedVersion(version),
    match: match === 'Exact' || match === 'NotOlderThan' ? match : undefined,
  };
}

function unsupported(value: string, supported: readonly string[]): FieldCause {
  const list = supported.map((text) => JSON.stringify(text)).join(', ');
  return {
    reason: 'FieldValueNotSupported',
    field: 'resourceVersionMatch',
    message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${list}`,
  };
}

/** A resource version as a number; absent when empty. Throws the real server's 500 for other text. */
export function parseVersion(text: string): number | undefined {
  if (text === '') return undefined;
  if (!/^[0-9]{1,15}$/.test(text)) throw badVersion(text);
  return Number(text);
}

/** The version of a list; what is none is the client's mistake there. */
function listedVersion(text: string): number | undefined {
  try {
    return parseVersion(text);
  } catch (error) {
    throw error instanceof BadVersion ? badRequest(`invalid resource version: ${error.message}`) : error;
  }
}

function badVersion(text: string): Error {
  return new BadVersion(text);
}

/** A resource version that is no number: 500 without a reason, as the real server says it. */
export class BadVersion extends Error {
  override readonly name: string = 'BadVersion';

  constructor(text: string) {
    const why = /^[0-9]+$/.test(text) && BigInt(text) >= 2n ** 64n ? 'value out of range' : 'invalid syntax';
    super(
      `resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: ${why}`,
    );
  }
}

/** Waits until the store has reached a version; 504 after three seconds. */
export async function waitForVersion(context: RestContext, wanted: number, signal: AbortSignal): Promise<void> {
  if (context.storage.revision >= wanted) return;
  await context.storage.catchUp();
  if (context.storage.revision >= wanted) return;
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => {
      unsubscribe();
      cancel();
      signal.removeEventListener('abort', onAbort);
    };
    const onAbort = (): void => {
      stop();
      reject(versionTooLarge(wanted, context.storage.revision));
    };
    const unsubscribe = context.storage.subscribe(() => {
      if (context.storage.revision < wanted) return;
      stop();
      resolve();
    });
    const cancel = context.clock.after(futureVersionWaitMs, onAbort);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** 410 for a continue token whose snapshot is gone, with one that goes on without a snapshot. */
export function continueExpired(token: ContinueToken): Error {
  return expired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
      'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
      'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
      'deleted between the time the first chunk was returned and now may show up in the list.',
    { continue: continueToken({ revision: -1, after: token.after }) },
  );
}
