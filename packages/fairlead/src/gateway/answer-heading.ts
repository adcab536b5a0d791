// Hot path: the head of every answer, as its route and filters want it.
import type { Connection } from '../reactor/reactor.ts';
import type { ResponseHead } from '../wire/http1/response-head.ts';
import type { FieldList } from '../wire/http2/field-list.ts';
import type { CompiledRoute } from './compiled-route.ts';
import type { EndpointRuntime } from './endpoint-runtime.ts';
import type { FilterRun } from './filters/filter-run.ts';
import { localResponse, type OwnAnswer } from './local-response.ts';
import type { ProxyCore } from './proxy-core.ts';
import { fillResponseFields } from './response-fields.ts';
import { type ConnectionField, writeInterimHead, writeResponseHead } from './response-writer.ts';
import type { Frontend } from './route-lookup.ts';

/** Makes the heads that the clients of one listener get, out of those of endpoints. */
export class AnswerHeading {
  readonly #core: ProxyCore;
  readonly #frontend: Frontend;

  constructor(core: ProxyCore, frontend: Frontend) {
    this.#core = core;
    this.#frontend = frontend;
  }

  /** Writes a head into the output buffer, as HTTP/1.1; returns its length. */
  write(
    head: ResponseHead,
    { responseEdit }: CompiledRoute,
    run: FilterRun | undefined,
    chunked: boolean,
    field: ConnectionField,
  ): number {
    const { bytes } = this.#core.reactor.output;
    return writeResponseHead(head, bytes, responseEdit, chunked, field, run?.responseChange, this.#frontend.altSvc);
  }

  /** Sends the head of an informational answer, as HTTP/1.1. */
  sendInterim(connection: Connection, head: ResponseHead): void {
    const { output } = this.#core.reactor;
    connection.write(output, 0, writeInterimHead(head, output.bytes));
  }

  /** Sends the head of an answer that agrees to an upgrade (101), as HTTP/1.1, with what the filters say, and the session at `from`. */
  sendUpgrade(
    connection: Connection,
    head: ResponseHead,
    run: FilterRun | undefined,
    from: EndpointRuntime | undefined,
  ): void {
    const told = from === undefined ? undefined : run?.session?.answerField(from);
    if (told !== undefined) run!.responseChange.add(...told);
    const { output } = this.#core.reactor;
    connection.write(output, 0, writeInterimHead(head, output.bytes, run?.responseChange));
  }

  /** The head that {@link write} writes, as fields, valid until the next list is made. */
  fill(head: ResponseHead, { responseEdit }: CompiledRoute, run: FilterRun | undefined): FieldList {
    const { http2, reactor } = this.#core;
    const { fields } = http2;
    const change = run?.responseChange;
    fillResponseFields(head, fields, responseEdit, change, this.#frontend.altSvc, reactor.output.bytes);
    return fields;
  }

  /** The whole of an answer of the gateway's own, as HTTP/1.1. */
  own(
    answer: OwnAnswer,
    client: { readonly isHead: boolean; readonly isHttp10: boolean },
    run: FilterRun | undefined,
    keepAlive: boolean,
  ): Buffer {
    return localResponse(answer, {
      toHead: client.isHead,
      close: !keepAlive,
      keepAliveHttp10: client.isHttp10,
      nowMs: this.#core.clock.now(),
      change: run,
    });
  }
}
