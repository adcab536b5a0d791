import { eventfd, signalEventfd } from '../sys/eventfd.ts';
import { close } from '../sys/socket.ts';
import { DescriptorLedger } from './descriptor-ledger.ts';

/** What the owner of a thread that blocks in epoll_wait does for it. */
export class ThreadWaker {
  /** Signalled after each message. */
  readonly wakeFd: number = eventfd();
  readonly #ledger: DescriptorLedger = new DescriptorLedger();

  get ledger(): SharedArrayBuffer {
    return this.#ledger.memory;
  }

  wake(): void {
    signalEventfd(this.wakeFd);
  }

  /** After the thread's end: descriptors of one that failed stay open in the process; clients shall see the end. */
  cleanUp(): void {
    for (const fd of this.#ledger.takeAll()) close(fd);
    close(this.wakeFd);
  }
}
