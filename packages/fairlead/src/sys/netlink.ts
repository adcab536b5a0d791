import { EAGAIN, ENOBUFS } from './errno.ts';
import { SO_RCVBUFFORCE, SOL_SOCKET } from './linux-constants.ts';
import { PinnedBuffer } from './pinned.ts';
import { bindRaw, close, recv, send, setSocketOption, socket } from './socket.ts';

/** Netlink protocol families (linux/netlink.h). */
export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_MULTI = 2;
const headerBytes = 16;
/** Reads between two turns of the event loop: a dump can have megabytes. */
const readsPerTurn = 16;

// One per thread, made with the first socket: the kernel hands a dump out in pieces of at most 32 KiB.
let buffer: PinnedBuffer | undefined;

/** A netlink message as the kernel sent it. `payload` is valid only during the call. */
export type OnNetlinkMessage = (type: number, payload: Buffer) => void;

/** A netlink socket for requests and their answers. One request at a time. */
export interface NetlinkSocket {
  /**
   * Sends one message (header included) and hands out the answers until the kernel is done.
   * 0, or -errno: of the call or of the kernel's refusal.
   */
  request(message: Uint8Array, onMessage?: OnNetlinkMessage): Promise<number>;
  close(): void;
}

/** The header and body of one request; `length` and `sequence` are filled in. */
export function netlinkMessage(type: number, flags: number, body: Uint8Array): Buffer {
  const message = Buffer.alloc(headerBytes + body.length);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(type, 4);
  message.writeUInt16LE(flags, 6);
  message.set(body, headerBytes);
  return message;
}

/**
 * Walks the messages of one read. Returns the request's result once the kernel is done, `undefined`
 * while more is to come.
 */
function readNetlinkMessages(bytes: Buffer, onMessage: OnNetlinkMessage): number | undefined {
  let offset = 0;
  while (offset + headerBytes <= bytes.length) {
    const length = bytes.readUInt32LE(offset);
    if (length < headerBytes || offset + length > bytes.length) return undefined;
    const type = bytes.readUInt16LE(offset + 4);
    const payload = bytes.subarray(offset + headerBytes, offset + length);
    if (type === NLMSG_ERROR) return payload.readInt32LE(0);
    if (type === NLMSG_DONE) return payload.length >= 4 ? Math.min(0, payload.readInt32LE(0)) : 0;
    onMessage(type, payload);
    if ((bytes.readUInt16LE(offset + 6) & NLM_F_MULTI) === 0) return 0;
    offset += (length + 3) & ~3;
  }
  return undefined;
}

/** Opens a netlink socket in the network namespace that this thread is in; a negative number is -errno. */
export function openNetlink(protocol: number): NetlinkSocket | number {
  const fd = socket(AF_NETLINK, SOCK_RAW, protocol);
  if (fd < 0) return fd;
  buffer ??= new PinnedBuffer(64 * 1024);
  const memory = buffer;
  return {
    async request(message, onMessage = () => undefined) {
      memory.bytes.set(message);
      const sent = send(fd, memory, 0, message.length);
      if (sent < 0) return sent;
      for (let reads = 1; ; reads++) {
        const received = recv(fd, memory, 0, memory.length);
        // The kernel queues answers during send and recv: nothing to read means that nothing will come.
        if (received === -EAGAIN) return 0;
        if (received < 0) return received;
        const result = readNetlinkMessages(memory.bytes.subarray(0, received), onMessage);
        if (result !== undefined) return result;
        if (reads % readsPerTurn === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    },
    close: () => {
      close(fd);
    },
  };
}

const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_DROP_MEMBERSHIP = 2;
/** Notifications wait here between two reads; what does not fit is lost, and that is told. */
const groupBufferBytes = 4 * 1024 * 1024;

/** A netlink socket that listens to one group of notifications. */
export interface NetlinkGroup {
  /** Hands out what has arrived; never waits. 0, or -errno: -ENOBUFS when notifications were lost. */
  read(onMessage: OnNetlinkMessage): number;
  /** Leaves the group, or joins it again. 0 or -errno. */
  listen(on: boolean): number;
  close(): void;
}

/** Walks notifications: unlike answers, they have no end mark. */
function walkNotifications(bytes: Buffer, onMessage: OnNetlinkMessage): void {
  let offset = 0;
  while (offset + headerBytes <= bytes.length) {
    const length = bytes.readUInt32LE(offset);
    if (length < headerBytes || offset + length > bytes.length) return;
    onMessage(bytes.readUInt16LE(offset + 4), bytes.subarray(offset + headerBytes, offset + length));
    offset += (length + 3) & ~3;
  }
}

/** Joins a group of notifications in the process's network namespace; a negative number is -errno. */
export function openNetlinkGroup(protocol: number, group: number): NetlinkGroup | number {
  const fd = socket(AF_NETLINK, SOCK_RAW, protocol);
  if (fd < 0) return fd;
  buffer ??= new PinnedBuffer(64 * 1024);
  const memory = buffer;
  // Needs CAP_NET_ADMIN; without it the default buffer does.
  setSocketOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, groupBufferBytes);
  const listen = (on: boolean): number =>
    setSocketOption(fd, SOL_NETLINK, on ? NETLINK_ADD_MEMBERSHIP : NETLINK_DROP_MEMBERSHIP, group);
  // struct sockaddr_nl: family u16 | pad u16 | port u32 | groups u32. Unbound, its port 0 would be
  // taken for that of the kernel, which leaves out the sender of a notification.
  const anyPort = new Uint8Array(12);
  anyPort[0] = AF_NETLINK;
  const bound = bindRaw(fd, anyPort);
  const joined = bound < 0 ? bound : listen(true);
  if (joined < 0) {
    close(fd);
    return joined;
  }
  return {
    read(onMessage) {
      let result = 0;
      for (;;) {
        const received = recv(fd, memory, 0, memory.length);
        if (received === -EAGAIN) return result;
        if (received === -ENOBUFS) result = received;
        else if (received < 0) return received;
        else walkNotifications(memory.bytes.subarray(0, received), onMessage);
      }
    },
    listen,
    close: () => {
      close(fd);
    },
  };
}
