/** Whether this machine can run the FFI at all: Linux, 64 bit, little-endian layouts known here. */
export function platformProblem(platform: string = process.platform, arch: string = process.arch): string | undefined {
  if (platform !== 'linux') return `the data-plane engine needs Linux, this is ${platform}`;
  if (arch !== 'x64' && arch !== 'arm64') return `the data-plane engine knows x64 and arm64, this is ${arch}`;
  return undefined;
}
