/**
 * What this package throws on unreadable input:
 * `json` text that is not JSON, `protobuf` bytes that do not decode,
 * `unknown-kind` a kind without a schema, `patch` a patch that cannot be applied,
 * `too-large` a JSON patch of too many operations, `patch-test` a `test` of one that failed.
 */
export type SchemaErrorCode = 'json' | 'protobuf' | 'unknown-kind' | 'patch' | 'too-large' | 'patch-test';

/** The one error class of this package; `message` is the text a Kubernetes server gives. */
export class SchemaError extends Error {
  readonly code: SchemaErrorCode;

  constructor(code: SchemaErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SchemaError';
    this.code = code;
  }
}
