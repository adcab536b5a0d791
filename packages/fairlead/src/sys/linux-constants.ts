/** Values of the Linux ABI on x86-64 and arm64 (identical for everything listed here). */

/** Address families (bits/socket.h). */
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;

/** Types and flags of sockets. */
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;

/** Options of any socket (asm-generic/socket.h). */
export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_ERROR = 4;
export const SO_RCVBUF = 8;
export const SO_LINGER = 13;
export const SO_REUSEPORT = 15;
export const SO_RCVLOWAT = 18;
export const SO_RCVTIMEO = 20;
export const SO_RCVBUFFORCE = 33;

/** Protocols, which are levels of options too, and their options (linux/in.h, in6.h, tcp.h). */
export const IPPROTO_IP = 0;
export const IPPROTO_TCP = 6;
export const IPPROTO_IPV6 = 41;
export const IP_FREEBIND = 15;
/** Of both families. */
export const SO_ORIGINAL_DST = 80;
export const IPV6_V6ONLY = 26;
export const TCP_NODELAY = 1;
export const TCP_INFO = 11;

/** Flags of send and receive calls. */
export const MSG_PEEK = 0x02;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
/** recvmmsg: block for the first message only. */
export const MSG_WAITFORONE = 0x10000;

/** Directions of shutdown(2). */
export const SHUT_RD = 0;
export const SHUT_WR = 1;
export const SHUT_RDWR = 2;

/** Operations and events of epoll (linux/eventpoll.h). */
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;
export const EPOLLIN = 0x001;
export const EPOLLOUT = 0x004;
export const EPOLLERR = 0x008;
export const EPOLLHUP = 0x010;
/** The peer has ended its direction. */
export const EPOLLRDHUP = 0x2000;
/** Events come when something changes, not as long as it is so. */
export const EPOLLET: number = 1 << 31;

/** Flags of pipes and splice(2) (linux/fcntl.h). */
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;
export const F_SETPIPE_SZ = 1031;
export const SPLICE_F_MOVE = 1;
export const SPLICE_F_NONBLOCK = 2;

/** Flags of eventfd(2). */
export const EFD_NONBLOCK = 0o4000;
export const EFD_CLOEXEC = 0o2000000;

/** Highest option length of {@link setSocketOption} and {@link getSocketOption} values, bytes. */
export const SOCKET_OPTION_MAX_BYTES = 256;
