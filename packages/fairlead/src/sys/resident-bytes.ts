/** Resident memory of this process in bytes; undefined where asking takes a descriptor and none is left. */
export function residentBytes(): number | undefined {
  try {
    return process.memoryUsage.rss();
  } catch {
    return undefined;
  }
}
