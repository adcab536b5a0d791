/** The kernel did not take a part of a tunnel. The caller tries again with everything. */
export class IpipError extends Error {
  constructor(message: string, { errno, cause }: { readonly errno?: number; readonly cause?: unknown } = {}) {
    const text = errno === undefined ? message : `${message} (errno ${-errno})`;
    super(text, cause === undefined ? undefined : { cause });
    this.name = 'IpipError';
  }
}
