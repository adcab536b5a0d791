/** Where a client connection stands. Numbers, because it is asked for with every event. */
export const IDLE = 0;
/** A request is being answered. */
export const ACTIVE = 1;
/** Bytes go both ways, unread. */
export const TUNNEL = 2;
/** The connection is over. */
export const DONE = 3;
/** A filter takes its time with a request. */
export const WAITING = 4;
