import { currentErrno, declare } from './libc.ts';
import { NativeStruct } from './native-struct.ts';

const cIfNameToIndex = declare<[number]>('unsigned int if_nametoindex(uintptr_t)');

/** IFNAMSIZ, with the zero at the end. */
const nameBytes = 16;
let memory: NativeStruct | undefined;

/** Index of an interface in the network namespace that this thread is in; -errno when there is none. */
export function interfaceIndex(name: string): number {
  memory ??= new NativeStruct(nameBytes);
  memory.bytes.fill(0);
  memory.bytes.write(name, 0, nameBytes - 1, 'latin1');
  const index = cIfNameToIndex(memory.address);
  return index === 0 ? -currentErrno() : index;
}
