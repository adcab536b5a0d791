import { createInterface } from 'node:readline';
import { systemClock } from '../../sys/clock.ts';
import { createBfd } from '../bfd/bfd.ts';
import { hasFailed } from '../bfd/bfd-messages.ts';
import { BgpSession, type SessionConfig } from '../bgp/bgp-session.ts';
import { openBgpTransport } from '../bgp/bgp-transport.ts';
import type { BgpRoute } from '../program.ts';

/** A line of standard input: a session to begin with, routes to announce, or the end. */
export type SpeakerCommand =
  | { readonly kind: 'start'; readonly config: SessionConfig; readonly routes: readonly BgpRoute[] }
  | { readonly kind: 'routes'; readonly routes: readonly BgpRoute[] }
  | { readonly kind: 'stop' };

/** A line of standard output. */
export interface SpeakerState {
  readonly state: string;
  readonly message: string;
}

let session: BgpSession | undefined;
let bfdState: string | undefined;
const tell = (line: SpeakerState): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const bfd = createBfd(
  (level, message, fields) => tell({ state: level, message: `${message} ${JSON.stringify(fields)}` }),
  (event) => {
    const failed = hasFailed(bfdState, event);
    if (event.kind === 'failed') tell({ state: 'BFD failed', message: event.message });
    else {
      bfdState = event.state;
      tell({ state: `BFD ${event.state}`, message: event.cause });
      if (failed) session?.lost(event.cause);
    }
  },
);
const byPrefix = (routes: readonly BgpRoute[]): Map<string, BgpRoute> =>
  new Map(routes.map((route) => [route.prefix, route]));

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const command = JSON.parse(line) as SpeakerCommand;
    if (command.kind === 'start') {
      session = new BgpSession({
        config: command.config,
        clock: systemClock,
        open: openBgpTransport,
        onState: (state, message) => tell({ state, message }),
      });
      session.setRoutes(byPrefix(command.routes));
      session.start();
      const { endpoint, bfd: times } = command.config;
      if (times !== undefined) bfd.watch('peer', { address: endpoint.address, times });
    } else if (command.kind === 'routes') session?.setRoutes(byPrefix(command.routes));
    else {
      session?.stop('the test is over');
      void bfd.stop();
      process.stdin.destroy();
    }
  })
  .on('close', () => {
    session?.stop('the test is over');
    void bfd.stop();
  });
