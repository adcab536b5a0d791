const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const host =
  '(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?';
const digest = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}';
/** Most characters of a repository's name. */
const NAME_MAX = 255;
const reference = new RegExp(
  `^(?:(${host})/)?${component}(?:/${component})*(?::([\\w][\\w.-]{0,127}))?(?:@(${digest}))?$`,
);

/** What an image name says beyond the repository; `undefined` for texts that are no image names. */
export function parseImageName(image: string): { readonly tag: string; readonly digest: string } | undefined {
  // 64 hexadecimal digits are an image's identity, not its name.
  if (/^[a-f0-9]{64}$/.test(image)) return undefined;
  const match = reference.exec(image);
  if (match === null || image.replace(/[:@].*$/, '').length > NAME_MAX) return undefined;
  // What stands before the first slash is a host only if it looks like one.
  const first = match[1];
  if (first !== undefined && !/[.:]/.test(first) && first !== 'localhost' && first !== first.toLowerCase()) {
    return { tag: match[2] ?? '', digest: match[3] ?? '' };
  }
  return { tag: match[2] ?? '', digest: match[3] ?? '' };
}
