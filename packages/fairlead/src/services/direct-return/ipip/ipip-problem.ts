import { BpfMap, loadPacketFilter } from '../../../sys/bpf.ts';
import type { BpfLine } from '../../../sys/bpf-assembler.ts';
import { EACCES, EPERM } from '../../../sys/errno.ts';
import { interfaceIndex } from '../../../sys/interface-index.ts';
import { close } from '../../../sys/socket.ts';
import { runBatch } from '../run-ip.ts';
import { attachFilter } from './attach-filter.ts';
import { decapsulationProgram, sendersMap, vipsMap } from './decapsulation.ts';
import { encapsulationProgram, endpointKeyBytes, endpointsMap } from './encapsulation.ts';
import { packetShapes } from './packet-shape.ts';
import { segmentSizeProgram } from './segment-size.ts';

/** Of this process: several may ask at once in one namespace. At most 15 characters. */
const tryLink = `fl-try-${process.pid}`;
const shape = packetShapes.IPv4;

/** Each program, with what it needs of the kernel beyond BPF itself. */
const programs: readonly (readonly [lines: readonly BpfLine[], needs: string])[] = [
  [encapsulationProgram(shape), 'BPF helper redirect_neigh (Linux 5.10)'],
  [decapsulationProgram(shape), 'BPF helper skb_adjust_room (Linux 5.2)'],
  [segmentSizeProgram(shape), 'BPF helper l4_csum_replace'],
];

async function attachProblem(program: number): Promise<string | undefined> {
  await runBatch('ip', [`link add ${tryLink} type bridge`]);
  try {
    const index = interfaceIndex(tryLink);
    if (index < 0) return 'link type bridge';
    const place = { interfaceIndex: index, side: 'leaving', etherType: shape.etherType } as const;
    const errno = await attachFilter(place, program, 'fairlead-try');
    return errno < 0
      ? `packet filters of BPF on links (kernel modules sch_ingress and cls_bpf; errno ${-errno})`
      : undefined;
  } finally {
    await runBatch('ip', [`link delete ${tryLink}`]);
  }
}

/**
 * What is missing here for tunnels of IPIP; `undefined`: nothing. Loads the programs themselves and puts one on a link
 * that it makes, so what it does not find missing does work.
 */
export async function findIpipProblem(): Promise<string | undefined> {
  const map = BpfMap.create('fl_try', endpointKeyBytes, 2 * shape.addressBytes, 1);
  const addresses = BpfMap.create('fl_try', shape.addressBytes, 4, 1);
  try {
    for (const made of [map, addresses]) {
      if (typeof made !== 'number') continue;
      return made === -EPERM || made === -EACCES
        ? 'right to use BPF (CAP_BPF and CAP_NET_ADMIN)'
        : `system call bpf (errno ${-made})`;
    }
    if (typeof map === 'number' || typeof addresses === 'number') return undefined;
    const maps = { [endpointsMap]: map, [sendersMap]: addresses, [vipsMap]: addresses };
    for (const [index, [lines, needs]] of programs.entries()) {
      const loaded = loadPacketFilter('fl_try', lines, maps);
      if (!loaded.ok) return loaded.errno === -EPERM ? 'right to load BPF programs (CAP_BPF and CAP_NET_ADMIN)' : needs;
      try {
        const problem = index === 0 ? await attachProblem(loaded.descriptor) : undefined;
        if (problem !== undefined) return problem;
      } finally {
        close(loaded.descriptor);
      }
    }
    return undefined;
  } finally {
    for (const made of [map, addresses]) if (typeof made !== 'number') made.close();
  }
}
