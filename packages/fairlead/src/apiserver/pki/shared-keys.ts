import { join } from 'node:path';
import type { Clock } from '../../sys/clock.ts';
import { ApiServerError } from '../api-server-error.ts';
import { newAuthority } from './certificate-authority.ts';
import { newTokenKey, readIfPresent, writeFileSafely } from './data-key.ts';

/** Files that all servers of one store must have in common. */
const files = ['ca.key', 'ca.crt', 'tokens.key'] as const;
type SharedKeys = Readonly<Record<(typeof files)[number], string>>;

/**
 * Gives every server of one store the same authority and token key: the first server's are kept in the store, the
 * others write them into their own folder. Whoever can read the store can read all Secrets and tokens anyway.
 *
 * `agree` answers with the text that the store holds, which is the proposal where there was none.
 * @throws ApiServerError `KeyMaterial` when the folder holds the keys of another cluster; nothing is overwritten.
 */
export async function shareKeys(
  agree: (name: string, proposal: () => string) => Promise<string>,
  folder: string,
  clock: Clock,
): Promise<void> {
  const present = (file: string): string | undefined => readIfPresent(join(folder, file));
  const text = await agree('keys', () => {
    const authority =
      present('ca.key') === undefined || present('ca.crt') === undefined ? newAuthority(clock) : undefined;
    const keys: SharedKeys = {
      'ca.key': authority?.key ?? present('ca.key')!,
      'ca.crt': authority?.certificate ?? present('ca.crt')!,
      'tokens.key': present('tokens.key') ?? newTokenKey(),
    };
    return JSON.stringify(keys);
  });
  const shared = JSON.parse(text) as SharedKeys;
  const foreign = files.find((file) => present(file) !== undefined && present(file) !== shared[file]);
  if (foreign !== undefined) {
    throw new ApiServerError(
      'KeyMaterial',
      `${join(folder, foreign)} belongs to another cluster than the store; move ${folder} away to take over the store's keys`,
    );
  }
  // The key before its certificate: a certificate alone would be refused.
  for (const file of files) {
    if (present(file) === undefined)
      writeFileSafely(join(folder, file), shared[file], file === 'ca.crt' ? 0o644 : 0o600);
  }
}
