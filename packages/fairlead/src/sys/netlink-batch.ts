import { EAGAIN, EMSGSIZE } from './errno.ts';
import { SOCK_RAW, SOL_SOCKET } from './linux-constants.ts';
import { PinnedBuffer } from './pinned.ts';
import { bindRaw, close, recv, send, setSocketOption, socket } from './socket.ts';

const AF_NETLINK = 16;
const SO_SNDBUFFORCE = 32;
const NLMSG_ERROR = 2;
const headerBytes = 16;

/** Longest transaction, bytes. */
export const netlinkBatchMaxBytes: number = 1024 * 1024;

// One per process, made with the first socket.
let outgoing: PinnedBuffer | undefined;
let incoming: PinnedBuffer | undefined;

/** A netlink socket for transactions of many messages, of which the last asks for an acknowledgement. */
export interface NetlinkBatchSocket {
  /** Sends the messages as one datagram. 0 once they are committed, or -errno: then none of them is. Blocks meanwhile. */
  commit(messages: readonly Uint8Array[]): number;
  close(): void;
}

/** Opens a socket in the process's network namespace; a negative number is -errno. */
export function openNetlinkBatches(protocol: number): NetlinkBatchSocket | number {
  const fd = socket(AF_NETLINK, SOCK_RAW, protocol);
  if (fd < 0) return fd;
  outgoing ??= new PinnedBuffer(netlinkBatchMaxBytes);
  incoming ??= new PinnedBuffer(64 * 1024);
  const [out, answers] = [outgoing, incoming];
  // A datagram must fit into the send buffer, whose default is 208 KiB.
  setSocketOption(fd, SOL_SOCKET, SO_SNDBUFFORCE, 2 * netlinkBatchMaxBytes);
  // struct sockaddr_nl: without an own port the kernel's notifications name none as the sender.
  const anyPort = new Uint8Array(12);
  anyPort[0] = AF_NETLINK;
  const bound = bindRaw(fd, anyPort);
  if (bound < 0) {
    close(fd);
    return bound;
  }
  return {
    commit(messages) {
      let length = 0;
      for (const message of messages) {
        if (length + message.length > out.length) return -EMSGSIZE;
        out.bytes.set(message, length);
        length += message.length;
      }
      const sent = send(fd, out, 0, length);
      if (sent < 0) return sent;
      // The kernel commits, and queues its answers, during send: one for each refused message, or that of the last.
      const received = recv(fd, answers, 0, answers.length);
      if (received < 0) return received;
      const { bytes } = answers;
      const told = received >= headerBytes + 4 && bytes.readUInt16LE(4) === NLMSG_ERROR;
      const result = told ? bytes.readInt32LE(headerBytes) : -EAGAIN;
      while (recv(fd, answers, 0, answers.length) > 0);
      return result;
    },
    close: () => {
      close(fd);
    },
  };
}
