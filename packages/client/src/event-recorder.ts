import { type Event, events, type ObjectMeta, type ObjectReference } from '@fairlead/api';
import { type ApiClient, isNotFound } from './api-client.ts';
import { machineClock, type Surroundings } from './clock.ts';

/** Options of {@link createEventRecorder}. */
export interface EventRecorderOptions extends Surroundings {
  /** `source.component`, e.g. `replicaset-controller`. */
  readonly component: string;
  /** `source.host`: the node, where the component belongs to one. */
  readonly host?: string;
}

/** The object that an Event is about. */
export interface EventSubject {
  readonly kind?: string | undefined;
  readonly apiVersion?: string | undefined;
  readonly metadata?: ObjectMeta | undefined;
}

/** Writes Events; a repeated one counts up instead of adding an object. Never fails its caller. */
export interface EventRecorder {
  /** `kind` and `apiVersion` of objects from lists may be absent: pass them in `about` then. */
  record(
    subject: EventSubject,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
    about?: { readonly kind: string; readonly apiVersion: string; readonly fieldPath?: string },
  ): void;
  /** Resolves when all that was recorded so far has been written or given up. */
  flush(): Promise<void>;
}

interface Seen {
  name: string;
  count: number;
  readonly firstTimestamp: string;
}

const maxSeen = 4096;
const maxWaiting = 1000;

/** Starts a recorder. Events are written one after another; above 1,000 waiting, new ones are dropped. */
export function createEventRecorder(client: ApiClient, options: EventRecorderOptions): EventRecorder {
  const clock = options.clock ?? machineClock;
  const seen = new Map<string, Seen>();
  let tail: Promise<void> = Promise.resolve();
  let waiting = 0;
  let sequence = 0;

  const write = async (
    involvedObject: ObjectReference,
    type: string,
    reason: string,
    message: string,
    timestamp: string,
  ): Promise<void> => {
    const namespace = involvedObject.namespace ?? 'default';
    const key = [involvedObject.uid, involvedObject.fieldPath, type, reason, message].join('\0');
    const known = seen.get(key);
    if (known !== undefined) {
      seen.delete(key);
      seen.set(key, known);
      const body = { count: known.count + 1, lastTimestamp: timestamp };
      try {
        await client.patch(events, { namespace, name: known.name }, 'merge', body);
        known.count++;
        return;
      } catch (error) {
        // Expired on the server: begin a new one.
        if (!isNotFound(error)) throw error;
        seen.delete(key);
      }
    }
    const suffix = (clock.now() * 4096 + (sequence++ % 4096)).toString(16);
    const name = `${involvedObject.name ?? 'unnamed'}.${suffix}`;
    const event: Event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name, namespace },
      involvedObject,
      type,
      reason,
      message,
      source: { component: options.component, ...(options.host === undefined ? {} : { host: options.host }) },
      reportingComponent: options.component,
      reportingInstance: options.host ?? '',
      firstTimestamp: timestamp,
      lastTimestamp: timestamp,
      count: 1,
    };
    await client.create(events, event);
    seen.set(key, { name, count: 1, firstTimestamp: timestamp });
    if (seen.size > maxSeen) for (const [oldest] of seen) if (seen.delete(oldest)) break;
  };

  return {
    record(subject, type, reason, message, about) {
      if (waiting >= maxWaiting) return;
      waiting++;
      const { namespace, name, uid, resourceVersion } = subject.metadata ?? {};
      const reference: ObjectReference = {
        kind: about?.kind ?? subject.kind,
        apiVersion: about?.apiVersion ?? subject.apiVersion,
        namespace,
        name,
        uid,
        resourceVersion,
        fieldPath: about?.fieldPath,
      };
      const timestamp = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
      // Kubernetes allows 1,024 bytes of message.
      tail = tail
        .then(() => write(reference, type, reason, message.slice(0, 1000), timestamp))
        .catch((error: unknown) => {
          options.log?.('debug', 'cannot write event', { reason, error: (error as Error).message });
        })
        .finally(() => waiting--);
    },
    flush: () => tail,
  };
}
