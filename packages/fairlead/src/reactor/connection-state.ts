// States of a connection of the epoll reactor, in the order in which it passes through them.

/** An outgoing connection is not established; output is queued. */
export const CONNECTING = 0;
/** TLS handshake; output is queued. */
export const HANDSHAKING = 1;
export const OPEN = 2;
/** Own end of stream sent or queued; input is discarded. */
export const LINGERING = 3;
/** Failed, not yet told. */
export const BROKEN = 4;
export const CLOSED = 5;
