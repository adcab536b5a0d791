/** FNV-1a, 32 bits. */
function shortHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

/** The link address that stands for an endpoint in the tunnel: made from its canonical address, so both ends know it. */
export function tunnelMac(ip: string): string {
  const bytes = ip.includes(':')
    ? [...Buffer.from(shortHash(ip).toString(16).padStart(8, '0'), 'hex')]
    : ip.split('.').map(Number);
  return ['02', 'fd', ...bytes.map((byte) => byte.toString(16).padStart(2, '0'))].join(':');
}
