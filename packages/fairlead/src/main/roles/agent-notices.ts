import { services } from '@fairlead/api';
import { type ApiClient, createEventRecorder } from '@fairlead/client';
import type { DnsNotice } from '../../dns/dns-loop.ts';
import type { ServiceNotice } from '../../services/start.ts';
import { systemClock, systemRandom } from '../../sys/clock.ts';

/** Warning Events for what a part could not do as the user asked. */
export function noticeWriter(
  client: ApiClient,
  nodeName: string,
  component: string,
): (notice: ServiceNotice | DnsNotice) => void {
  const recorder = createEventRecorder(client, {
    clock: systemClock,
    random: systemRandom,
    component,
    host: nodeName,
  });
  return (notice) => {
    const [namespace = '', name = ''] = notice.service.split('/');
    client.get(services, { namespace, name }).then(
      (service) =>
        recorder.record(service, 'Warning', notice.reason, notice.message, { kind: 'Service', apiVersion: 'v1' }),
      // The Service is gone meanwhile: nobody is left to be told.
      () => {},
    );
  };
}
