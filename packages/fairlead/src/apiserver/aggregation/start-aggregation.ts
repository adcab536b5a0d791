import { join } from 'node:path';
import type { Log } from '../../sys/role.ts';
import { settle } from '../bootstrap/settle.ts';
import type { InProcessClient } from '../client/in-process-client.ts';
import { openFrontProxy } from '../pki/front-proxy.ts';
import type { RestContext } from '../rest/rest-context.ts';
import { ExtensionServers } from './extension-servers.ts';
import { LocalRegistration } from './local-registration.ts';
import { RequestProxy } from './proxy-request.ts';
import { publishFrontProxy } from './publish-front-proxy.ts';

/** What runs for APIServices. */
export interface RunningAggregation {
  readonly servers: ExtensionServers;
  stop(): Promise<void>;
}

/**
 * Starts what APIServices need: those of this server's own group versions, the servers of others, and the identity
 * under which requests go there. `dataDir` keeps the keys; `clientAuthority` is the authority of clients, PEM.
 */
export async function startAggregation(
  context: RestContext,
  client: InProcessClient,
  dataDir: string,
  clientAuthority: string,
  log: Log,
): Promise<RunningAggregation> {
  const { storage, clock } = context;
  const frontProxy = await openFrontProxy(join(dataDir, 'pki', 'front-proxy'), clock, storage.agree?.bind(storage));
  const servers = new ExtensionServers(context, new RequestProxy(frontProxy), log);
  const registration = new LocalRegistration(context, log);
  await settle(clock, () => publishFrontProxy(client, clientAuthority, frontProxy.authority));
  return {
    servers,
    async stop() {
      await registration.close();
      await servers.close();
    },
  };
}
