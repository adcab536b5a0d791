import { describeApiClient } from './api-client-suite.ts';
import { FakeApi } from './fake-api.ts';

describeApiClient('fake', async () => {
  const client = new FakeApi();
  return { client, close: () => client.close() };
});
