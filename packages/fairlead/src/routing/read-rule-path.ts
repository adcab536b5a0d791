import type { HTTPIngressPath } from '@fairlead/api';
import { normalizePath } from '../wire/http1/path.ts';
import type { PathMatch } from './route-table.ts';

/**
 * How a rule's path is compared. It is normalised as the paths of requests are, and what cannot stand in one is
 * encoded: `/a//b/../c d` means `/a/c%20d`. A prefix loses its trailing slashes: the API ignores them. Undefined for a
 * path that is not absolute, or that no request could have.
 */
export function readRulePath({ path = '', pathType }: HTTPIngressPath): PathMatch | undefined {
  if (path === '') return { type: 'prefix', value: '/' };
  if (!path.startsWith('/')) return undefined;
  // What is encoded already stays; a lone percent sign does not.
  const encoded = path.replace(/[^!$&'()*+,\-./0-9:;=@A-Z_a-z~%]|%(?![0-9a-fA-F]{2})/gu, encodeURIComponent);
  const normal = normalizePath(Buffer.from(encoded, 'latin1'));
  if (!normal.ok) return undefined;
  const value = normal.path.toString('latin1');
  if (pathType === 'Exact') return { type: 'exact', value };
  return { type: 'prefix', value: value === '/' ? value : value.replace(/\/$/, '') };
}
