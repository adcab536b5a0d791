/** Order of versions in discovery: v2, v1, v1beta2, v1beta1, v1alpha1, and others by name. */
export function compareVersions(left: string, right: string): number {
  const a = versionRank(left);
  const b = versionRank(right);
  for (let index = 0; index < 3; index++) {
    if (a[index] !== b[index]) return b[index]! - a[index]!;
  }
  return left < right ? -1 : left > right ? 1 : 0;
}

function versionRank(version: string): readonly [stability: number, major: number, minor: number] {
  const match = /^v([0-9]+)(?:(alpha|beta)([0-9]+))?$/.exec(version);
  if (match === null) return [0, 0, 0];
  const stability = match[2] === undefined ? 3 : match[2] === 'beta' ? 2 : 1;
  return [stability, Number(match[1]), Number(match[3] ?? 0)];
}
