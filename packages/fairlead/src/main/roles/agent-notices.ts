import { type Pod, pods, type Service, type Stored, services } from '@fairlead/api';
import { type ApiClient, createEventRecorder } from '@fairlead/client';
import type { DnsNotice } from '../../dns/dns-loop.ts';
import { podOfProgram } from '../../services/host-ports.ts';
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
    const pod = podOfProgram(notice.service);
    const kind = pod === undefined ? 'Service' : 'Pod';
    const [namespace = '', name = ''] = (pod ?? notice.service).split('/');
    const place = { namespace, name };
    const concerned: Promise<Stored<Pod | Service>> =
      pod === undefined ? client.get(services, place) : client.get(pods, place);
    concerned.then(
      (object) => recorder.record(object, 'Warning', notice.reason, notice.message, { kind, apiVersion: 'v1' }),
      // It is gone meanwhile: nobody is left to be told.
      () => {},
    );
  };
}
