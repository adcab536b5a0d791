// Hot path for large bodies: one look at each byte.

/** Deepest nesting of objects and lists in a body; a custom resource with more is none that people write. */
const bodyMaxDepth = 1000;

/**
 * True when a JSON body nests deeper than {@link bodyMaxDepth}. Everything that walks objects recursively
 * relies on this. Bytes that are no JSON may give either answer; their parser refuses them.
 */
export function isTooDeep(body: Uint8Array): boolean {
  if (body.length <= bodyMaxDepth) return false;
  let depth = 0;
  let inText = false;
  for (let index = 0; index < body.length; index++) {
    const byte = body[index];
    if (inText) {
      if (byte === 0x5c) index++;
      else if (byte === 0x22) inText = false;
    } else if (byte === 0x22) inText = true;
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > bodyMaxDepth) return true;
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return false;
}
