import { readFile, stat } from 'node:fs/promises';
import type { Log } from '../../sys/role.ts';
import { FatalError } from '../role-process.ts';

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/**
 * Headers of a file, lines `NAME: VALUE`, as they are now: it is read again when it has changed, as files with tokens do.
 * What was read last stays while it cannot be read, or is wrong.
 * @throws FatalError if it cannot be read at the start.
 */
export async function openHeaderFile(file: string, log: Log): Promise<() => Promise<Readonly<Record<string, string>>>> {
  let seen = '';
  let headers: Readonly<Record<string, string>> = {};
  const read = async (): Promise<void> => {
    const { mtimeMs, size, ino } = await stat(file);
    const now = `${mtimeMs} ${size} ${ino}`;
    if (now === seen) return;
    headers = parseHeaders(await readFile(file, 'utf8'));
    seen = now;
  };
  try {
    await read();
  } catch (error) {
    throw new FatalError(`${file}: ${(error as Error).message}`, { cause: error });
  }
  let isTroubled = false;
  return async () => {
    try {
      await read();
      isTroubled = false;
    } catch (error) {
      if (!isTroubled)
        log('warn', 'headers cannot be read, the last ones stay', { file, error: (error as Error).message });
      isTroubled = true;
    }
    return headers;
  };
}

/** @throws Error for a line that is no header. The message does not show values. */
function parseHeaders(text: string): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (!NAME.test(name) || !/^[\x20-\x7e]*$/.test(value)) throw new Error(`line ${index + 1} is not NAME: VALUE`);
    headers[name] = value;
  }
  return headers;
}
