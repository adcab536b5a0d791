// Hot path: receive() runs per watcher and event; the encoded line is shared by plain JSON watchers.
import { eventNeedsConversion, eventShownAs, shownAs } from '../crd/custom-view.ts';
import type { AnswerSink, ApiAnswer } from '../server/api-request.ts';
import { negotiate, notStreamed } from '../server/media-type.ts';
import { StatusError } from '../server/status-error.ts';
import type { ResourceHistory } from '../watch/object-cache.ts';
import type { ResourceCache } from '../watch/resource-cache.ts';
import { matches, parseSelection, type Selection } from '../watch/selection.ts';
import type { StoredObject } from '../watch/stored-object.ts';
import type { WatchEvent, WatchEventType } from '../watch/watch-event.ts';
import { integerParameter, listVersion, waitForVersion } from './list-options.ts';
import { type ObjectForm, objectForm, objectText, table } from './represent.ts';
import type { RestContext, RestRequest } from './rest-context.ts';

/** Bytes a watcher may be behind before it is cut off; it comes back from its last version. */
const maxQueuedBytes = 8 * 1024 * 1024;
/** About a minute apart, as the real server sends them. */
const bookmarkEveryMs = 60_000;
/** A bookmark this long before the end of a watch saves the client a gap to replay. */
const bookmarkBeforeEndMs = 2_000;
/** Range of the default duration of a watch. */
const defaultTimeoutMs = { least: 1_800_000, spread: 1_800_000 } as const;

/** GET of a collection with `watch=true`: a stream of events. */
export async function watchObjects(
  context: RestContext,
  target: RestRequest,
  onlyName: string | undefined,
): Promise<ApiAnswer> {
  const { request, resource, namespace } = target;
  const { query } = request;
  const representation = negotiate(
    request.headers.accept,
    true,
    resource.custom === undefined ? 'collection' : 'custom',
  );
  // There is no stream of YAML documents.
  if (representation.format === 'yaml') throw notStreamed();
  const form = objectForm(resource, representation, query, context.clock.now());
  const version = listVersion(query, true);
  const parsed = parseSelection(resource, namespace, query);
  const selection = onlyName === undefined ? parsed : selectName(parsed, onlyName);
  const initialEvents = query.get('sendInitialEvents') === 'true';
  const bookmarks = query.get('allowWatchBookmarks') === 'true';
  const seconds = integerParameter(query, 'timeoutSeconds');
  const timeoutMs = seconds > 0 ? seconds * 1000 : defaultTimeoutMs.least + context.random() * defaultTimeoutMs.spread;
  if (version.revision !== undefined) await waitForVersion(context, version.revision, request.signal);
  const cache = context.cache.resource(resource.prefix);
  const start = version.revision ?? 0;
  // Version 0 and none start with the present state, as does WatchList; N continues after N.
  const fromState = query.get('sendInitialEvents') === null ? start === 0 : initialEvents;
  const since = fromState || start === 0 ? undefined : await context.cache.eventsAfter(cache, start);
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    stream: async (sink) => {
      if (since === 'compacted') {
        sink.write(errorLine(start, context.storage.compactedRevision));
        sink.end();
        return;
      }
      const session = new WatchSession(context, cache, selection, form, sink, bookmarks);
      const done = session.run(timeoutMs, request.signal);
      // Events between the read above and now are in the ring: nothing is lost, nothing comes twice.
      if (since !== undefined) session.replay(since, start);
      else session.sendState(fromState, initialEvents && bookmarks);
      await done;
    },
  };
}

function selectName(selection: Selection, name: string): Selection {
  return {
    ...selection,
    name,
    fields: [...selection.fields, { path: ['metadata', 'name'], value: name, equal: true }],
    everything: false,
  };
}

/** One watcher: translates events to its selection and form, and keeps its bounds. */
class WatchSession {
  readonly namespace: string;
  readonly name: string | undefined;
  readonly #context: RestContext;
  readonly #cache: ResourceCache;
  readonly #selection: Selection;
  readonly #form: ObjectForm;
  readonly #sink: AnswerSink;
  readonly #bookmarks: boolean;
  readonly #plain: boolean;
  #sentColumns = false;
  /** Ends when the events that wait for a conversion are delivered. */
  #converting: Promise<void> | undefined;
  /** Events up to here were sent before this watcher followed the cache; a transaction's events share a revision. */
  #after = 0;
  #finish: (() => void) | undefined;
  /** The initial state may be large; only what comes on top of it counts as being behind. */
  #allowedBytes = maxQueuedBytes;
  #initial = false;

  constructor(
    context: RestContext,
    cache: ResourceCache,
    selection: Selection,
    form: ObjectForm,
    sink: AnswerSink,
    bookmarks: boolean,
  ) {
    this.#context = context;
    this.#cache = cache;
    this.#selection = selection;
    this.namespace = selection.namespace;
    this.name = selection.name;
    this.#form = form;
    this.#sink = sink;
    this.#bookmarks = bookmarks;
    this.#plain = form.representation.as === undefined;
  }

  /** Follows the cache until the time is over or the client goes. */
  async run(timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { clock } = this.#context;
    const unsubscribe = this.#cache.subscribe(this);
    let cancelBookmark: (() => void) | undefined;
    const endsAt = clock.now() + timeoutMs;
    const planBookmark = (): void => {
      const left = endsAt - clock.now() - bookmarkBeforeEndMs;
      const delay = left > bookmarkEveryMs ? bookmarkEveryMs : left;
      if (delay <= 0) return;
      cancelBookmark = clock.after(delay, () => {
        this.#sendBookmark(false);
        planBookmark();
      });
    };
    if (this.#bookmarks) planBookmark();
    const cancelEnd = clock.after(timeoutMs, () => this.#finish?.());
    await new Promise<void>((resolve) => {
      this.#finish = resolve;
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    unsubscribe();
    cancelEnd();
    cancelBookmark?.();
    this.#sink.end();
  }

  /** The present state as ADDED events, then, for WatchList, the bookmark that ends it. */
  sendState(objects: boolean, bookmark: boolean): void {
    const revision = this.#context.cache.revision;
    if (objects) {
      this.#initial = true;
      for (const kept of this.#cache.list(this.namespace)) {
        const stored = shownAs(this.#form.resource, kept);
        if (matches(this.#selection, stored)) this.#send('ADDED', stored);
      }
      this.#initial = false;
    }
    this.#after = revision;
    if (bookmark) this.#sendBookmark(true);
  }

  /** Events since a version, then those that came while they were fetched. */
  replay({ events, through }: ResourceHistory, after: number): void {
    // Those of a transaction that the client may know in part come again.
    this.#after = Math.min(after, (events[0]?.revision ?? after) - 1);
    for (const event of events) this.receive(event);
    this.#after = Math.max(after, through);
    const since = this.#cache.eventsAfter(this.#after);
    if (since === undefined) this.lose();
    else for (const event of since) this.receive(event);
  }

  /** Events were missed: the client has to start anew. */
  lose(): void {
    const after = this.#after;
    this.#after = Number.POSITIVE_INFINITY;
    this.#write(errorLine(after, this.#context.cache.revision));
    this.#finish?.();
  }

  receive(change: WatchEvent): void {
    if (change.revision <= this.#after) return;
    if (!this.#inNamespace(change.current)) return;
    const { resource } = this.#form;
    if (this.#converting === undefined && !eventNeedsConversion(resource, change)) {
      this.#deliver(change);
      return;
    }
    // A webhook must convert: this event and those behind it wait, in order.
    const turn = (this.#converting ?? Promise.resolve())
      .then(() =>
        resource.custom?.prepare(change.previous === undefined ? [change.current] : [change.current, change.previous]),
      )
      .then(() => {
        this.#deliver(change);
        if (this.#converting === turn) this.#converting = undefined;
      })
      .catch(() => {
        // Without its conversion the event would be lost: the client has to start anew.
        this.#sink.abort();
        this.#finish?.();
      });
    this.#converting = turn;
  }

  #deliver(change: WatchEvent): void {
    const event = eventShownAs(this.#form.resource, change);
    const before = event.previous !== undefined && matches(this.#selection, event.previous);
    const after = !event.deleted && matches(this.#selection, event.current);
    if (!before && !after) return;
    const type: WatchEventType = after ? (before ? 'MODIFIED' : 'ADDED') : 'DELETED';
    if (this.#plain) this.#write(event.line(type));
    else this.#send(type, after || event.deleted ? event.current : event.leaving);
  }

  #inNamespace(stored: StoredObject): boolean {
    return this.namespace === '' || stored.key.startsWith(`${this.namespace}/`, this.#cache.prefix.length);
  }

  #send(type: WatchEventType, stored: StoredObject): void {
    let text: string;
    if (this.#form.representation.as === 'Table') {
      const form = { ...this.#form, nowMs: this.#context.clock.now() };
      const version = { resourceVersion: String(stored.modRevision) };
      text = JSON.stringify(table(form, [stored], version, !this.#sentColumns));
      this.#sentColumns = true;
    } else {
      text = objectText(this.#form, stored);
    }
    this.#write(Buffer.from(`{"type":"${type}","object":${text}}\n`));
  }

  #sendBookmark(initialEventsEnd: boolean): void {
    const { resource, representation } = this.#form;
    const metadata = {
      resourceVersion: String(this.#context.cache.revision),
      ...(initialEventsEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
    };
    const object =
      representation.as === undefined
        ? { kind: resource.kind, apiVersion: resource.apiVersion, metadata }
        : representation.as === 'Table'
          ? {
              kind: 'Table',
              apiVersion: `meta.k8s.io/${representation.asVersion}`,
              metadata,
              columnDefinitions: null,
              rows: [{ cells: [], object: { kind: resource.kind, apiVersion: resource.apiVersion, metadata } }],
            }
          : { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${representation.asVersion}`, metadata };
    this.#write(Buffer.from(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`));
  }

  #write(line: Uint8Array): void {
    this.#sink.write(line);
    if (this.#initial) {
      this.#allowedBytes += line.length;
    } else if (this.#sink.queuedBytes > this.#allowedBytes) {
      this.#sink.abort();
      this.#finish?.();
    }
  }
}

/** The in-stream end of a watch whose start is no longer in the history. */
function errorLine(wanted: number, oldest: number): Buffer {
  const { status } = new StatusError(410, 'Expired', `too old resource version: ${wanted} (${oldest})`);
  return Buffer.from(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
}
