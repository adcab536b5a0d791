import { IPPROTO_TCP, SO_RCVBUF, SOL_SOCKET, TCP_INFO } from '../sys/linux-constants.ts';
import { getSocketOptionBytes, setSocketOption } from '../sys/socket.ts';

/** State of a connection that neither side has ended (include/net/tcp_states.h). */
const TCP_ESTABLISHED = 1;
/** More than anything that is looked at before it is taken, with what the kernel adds to small segments. */
const ROOM_BYTES = 256 * 1024;

/** How long input that was only looked at is left alone when the kernel says again that it is readable. */
export const PEEK_PAUSE_MS = 10;

/**
 * What to do about a socket with SO_RCVLOWAT that is readable although there is too little. True: nothing more will
 * come. False: the kernel wants what there is to be taken, whatever was asked for (`tcp_rmem_pressure`), because the
 * socket's buffer is full (of many small segments), or memory is short in the machine or the control group. The buffer
 * gets more room; the socket stays readable, so whoever cannot take it must look away for {@link PEEK_PAUSE_MS}.
 */
export function isInputOver(fd: number): boolean {
  const info = getSocketOptionBytes(fd, IPPROTO_TCP, TCP_INFO);
  if (typeof info === 'number' || info[0] !== TCP_ESTABLISHED) return true;
  setSocketOption(fd, SOL_SOCKET, SO_RCVBUF, ROOM_BYTES);
  return false;
}
