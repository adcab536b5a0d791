import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { ContainerConfigError } from '../environment/container-env.ts';

/** A file of a volume; `path` is relative to it. */
export interface VolumeFile {
  readonly path: string;
  readonly data: Buffer;
  /** Permission bits. */
  readonly mode: number;
}

/** The link that is swapped: readers see the old content or the new one, never a mixture. */
const CURRENT = '..data';

/** Joins a relative path to a folder; a path that leaves the folder is the user's mistake. */
export function inside(folder: string, path: string): string {
  const file = normalize(join(folder, path));
  if (file !== folder && !file.startsWith(`${folder}/`))
    throw new ContainerConfigError(`path ${path} leaves its volume`);
  return file;
}

/**
 * Makes a folder hold exactly these files, all at once, in the layout that programs which watch
 * mounted configuration know:
 *
 *     FOLDER/..2Zk1ab/key      the content
 *     FOLDER/..data  → ..2Zk1ab
 *     FOLDER/key     → ..data/key
 */
export function writeContent(folder: string, files: readonly VolumeFile[]): void {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  if (holds(folder, files)) return;
  const fresh = mkdtempSync(`${folder}/..`);
  chmodSync(fresh, 0o755);
  try {
    for (const file of files) {
      const path = inside(fresh, file.path);
      mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
      writeFileSync(path, file.data, { mode: file.mode });
      chmodSync(path, file.mode);
    }
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    throw error;
  }
  const name = fresh.slice(folder.length + 1);
  const next = join(folder, '..data_next');
  rmSync(next, { force: true });
  symlinkSync(name, next);
  renameSync(next, join(folder, CURRENT));
  const wanted = new Set(files.map((file) => normalize(file.path).split('/')[0]!));
  const present = new Set<string>();
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === CURRENT || entry.name === name) continue;
    if (entry.isSymbolicLink() && wanted.has(entry.name)) present.add(entry.name);
    else rmSync(join(folder, entry.name), { recursive: true, force: true });
  }
  for (const entry of wanted) if (!present.has(entry)) symlinkSync(join(CURRENT, entry), join(folder, entry));
}

/** Whether the folder already holds exactly these files. */
function holds(folder: string, files: readonly VolumeFile[]): boolean {
  const current = join(folder, CURRENT);
  try {
    readlinkSync(current);
    const count = readdirSync(current, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    if (count.length !== files.length) return false;
    return files.every((file) => {
      const path = inside(current, file.path);
      return (statSync(path).mode & 0o777) === file.mode && readFileSync(path).equals(file.data);
    });
  } catch {
    return false;
  }
}
