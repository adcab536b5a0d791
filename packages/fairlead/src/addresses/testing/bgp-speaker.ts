import { createInterface } from 'node:readline';
import { systemClock } from '../../sys/clock.ts';
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
        onState: (state, message) => process.stdout.write(`${JSON.stringify({ state, message })}\n`),
      });
      session.setRoutes(byPrefix(command.routes));
      session.start();
    } else if (command.kind === 'routes') session?.setRoutes(byPrefix(command.routes));
    else {
      session?.stop('the test is over');
      process.stdin.destroy();
    }
  })
  .on('close', () => session?.stop('the test is over'));
