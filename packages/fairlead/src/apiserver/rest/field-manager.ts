import type { FieldCause } from '@fairlead/api/schema';
import type { ApiRequest } from '../server/api-request.ts';
import { invalid } from '../server/status-error.ts';

/** Longest name of a field manager, in bytes of UTF-8. */
const nameMaxBytes = 128;

const unprintable = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;

/** Checks the `fieldManager` and `force` parameters; `options` names the kind in the 422. */
export function checkFieldManager(query: URLSearchParams, options: string, patch: 'apply' | 'other' | 'none'): void {
  const causes: FieldCause[] = [];
  const name = query.get('fieldManager') ?? '';
  if (patch === 'other' && query.has('force')) {
    causes.push({
      reason: 'FieldValueForbidden',
      field: 'force',
      message: 'Forbidden: may not be specified for non-apply patch',
    });
  }
  if (patch === 'apply' && name === '') {
    causes.push({
      reason: 'FieldValueRequired',
      field: 'fieldManager',
      message: 'Required value: is required for apply patch',
    });
  }
  if (Buffer.byteLength(name) > nameMaxBytes) {
    causes.push({
      reason: 'FieldValueTooLong',
      field: 'fieldManager',
      message: `Too long: may not be more than ${nameMaxBytes} bytes`,
    });
  }
  let position = 0;
  for (const character of name) {
    if (unprintable.test(character)) {
      const code = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
      causes.push({
        reason: 'FieldValueInvalid',
        field: 'fieldManager',
        message: `Invalid value: ${JSON.stringify(name)}: invalid character U+${code} (at position ${position})`,
      });
    }
    position += Buffer.byteLength(character);
  }
  if (causes.length > 0) throw invalid({ group: 'meta.k8s.io', kind: options }, '', causes);
}

/** Who writes: the `fieldManager` parameter, or the first word of the User-Agent. */
export function fieldManagerOf(request: ApiRequest): string {
  const given = request.query.get('fieldManager') ?? '';
  if (given !== '') return given;
  const agent = request.headers['user-agent'] ?? '';
  const slash = agent.indexOf('/');
  const name = slash < 0 ? agent : agent.slice(0, slash);
  if (name.length <= nameMaxBytes / 4 && !unprintable.test(name)) return name;
  let result = '';
  for (const character of name) {
    if (unprintable.test(character)) continue;
    if (Buffer.byteLength(result) + Buffer.byteLength(character) > nameMaxBytes) break;
    result += character;
  }
  return result;
}

/** The `force` parameter: anything but `0` and `false` is true, as for all of Kubernetes' flags. */
export function isForced(query: URLSearchParams): boolean {
  const given = query.get('force');
  return given !== null && given !== '0' && given.toLowerCase() !== 'false';
}
