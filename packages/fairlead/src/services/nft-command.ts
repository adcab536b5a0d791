import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import type { NftablesLibrary } from '../sys/nftables-library.ts';
import { nftTableName } from './nft-names.ts';

/** Why nft cannot be used or refused a transaction. */
export type NftErrorCode = 'nft-missing' | 'nft-too-old' | 'not-permitted' | 'refused';

/** Any failure of the service proxy that its owner has to decide about. */
export class ServiceProxyError extends Error {
  override readonly name: string = 'ServiceProxyError';
  readonly code: NftErrorCode;

  constructor(code: NftErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Runs one transaction, given as text or as parts of a text too long to hold twice; rejects with
 * {@link ServiceProxyError} and then nothing of it is installed.
 */
export type RunNft = (text: string | Iterable<string>) => Promise<void>;

/** Oldest nft that understands the table (maps with `typeof` keys and concatenated values). */
const oldestNft: readonly [number, number, number] = [1, 0, 1];

interface Exit {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: readonly string[], args: readonly string[], input: string | Iterable<string>): Promise<Exit> {
  return new Promise((resolve, reject) => {
    const [program = 'nft', ...first] = command;
    const child = spawn(program, [...first, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      // A refused batch repeats its command for every element; the first lines tell all.
      if (stderr.length < 4096) stderr += text;
    });
    child.on('error', (cause: NodeJS.ErrnoException) => {
      const message = cause.code === 'ENOENT' ? `'${program}' is not installed (package nftables)` : cause.message;
      reject(new ServiceProxyError('nft-missing', `${message}; Services cannot be served by the kernel`, { cause }));
    });
    child.on('close', (status) => resolve({ status, stdout, stderr }));
    // nft may fail before it has read all; its status tells, not the broken pipe.
    child.stdin.on('error', () => undefined);
    Readable.from(typeof input === 'string' ? [input] : input).pipe(child.stdin);
  });
}

function failure(stderr: string): ServiceProxyError {
  const line = stderr.split('\n').find((text) => text.includes('Error')) ?? stderr.trim();
  const code = /operation not permitted/i.test(stderr) ? 'not-permitted' : 'refused';
  return new ServiceProxyError(code, `nft: ${line.trim().slice(0, 300)}`);
}

/** Longest transaction that runs inside this process: longer ones would hold up its other work. */
const longestInProcess = 64 * 1024;

/** Whether a transaction is so long that the program runs it. */
export function isLargeTransaction({ length }: { readonly length: number }): boolean {
  return length > longestInProcess;
}

/** Runs transactions through the nft program; `command` may put words before it (tests enter a namespace). */
export function createRunNft(command: readonly string[] = ['nft']): RunNft {
  return async (text) => {
    const exit = await run(command, ['-f', '-'], text);
    if (exit.status !== 0) throw failure(exit.stderr);
  };
}

/**
 * Runs small transactions through nft's library in this process, large ones through the program.
 * Without the library, all go through the program.
 */
export function createFastRunNft(library: NftablesLibrary | undefined, program: RunNft): RunNft {
  if (library === undefined) return program;
  return async (text) => {
    if (typeof text !== 'string' || isLargeTransaction(text)) return program(text);
    const result = library.run(text);
    if (!result.ok) throw failure(result.message);
  };
}

/** Checks once, at start, that nft is there, new enough and allowed to work; rejects with one clear line. */
export async function checkNft(command: readonly string[] = ['nft']): Promise<void> {
  // Listing would do as well, but reads every element of a big table first.
  const [{ stdout }, attempt] = await Promise.all([
    run(command, ['--version'], ''),
    run(command, ['--check', 'add', 'table', 'ip', nftTableName], ''),
  ]);
  if (/not permitted/i.test(attempt.stderr)) {
    throw new ServiceProxyError(
      'not-permitted',
      'nftables needs root (CAP_NET_ADMIN); Services cannot be served by the kernel',
    );
  }
  const version = /v(\d+)\.(\d+)\.(\d+)/.exec(stdout)?.slice(1).map(Number) ?? [];
  for (const [index, oldest] of oldestNft.entries()) {
    const part = version[index] ?? 0;
    if (part > oldest) return;
    if (part < oldest) {
      throw new ServiceProxyError(
        'nft-too-old',
        `nft ${version.join('.') || 'of unknown version'} is older than ${oldestNft.join('.')}; Services cannot be served by the kernel`,
      );
    }
  }
}
