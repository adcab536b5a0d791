/** A JSON value in a message: text as it is, the rest as JSON. Unlike `String`, holds for an object with a field `toString`. */
export function plainText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined');
}
