import { type ClaimReader, type ClaimSources, ClaimTable } from './claim-table.ts';
import { type CredentialClaim, credentialKey, readCredentials } from './read-credentials.ts';
import type { RouteCredentials } from './route-filters.ts';

const reader: ClaimReader<CredentialClaim, RouteCredentials> = {
  keyOf: credentialKey,
  read(claim, object, problems) {
    const name = `${claim.kind === 'secret' ? 'Secret' : 'ConfigMap'} ${claim.object}`;
    if (object === undefined) {
      problems.push({ reason: 'SecretNotFound', message: `${name} does not exist; nobody gets in` });
      return undefined;
    }
    return readCredentials(claim, object, (message) => {
      problems.push({ reason: 'SecretInvalid', message: `${name}${message.startsWith('has') ? '' : ','} ${message}` });
    });
  },
};

/** Users, API keys and keys of tokens of a route table. Where nothing can be read nobody gets in. */
export class CredentialTable extends ClaimTable<CredentialClaim, RouteCredentials> {
  constructor(sources: ClaimSources, onDirty: () => void, onStatus: (ingress: string) => void) {
    super(sources, reader, onDirty, onStatus);
  }
}
