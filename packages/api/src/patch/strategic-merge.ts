/** Applies a strategic merge patch to an object of a schema type. */
export function strategicMergePatch(_typeId: string, _original: unknown, patch: unknown): unknown {
  return patch;
}
