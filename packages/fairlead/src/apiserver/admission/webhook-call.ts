import { request as httpsRequest, type RequestOptions } from 'node:https';
import { parseJson } from '@fairlead/api/json-number';
import type { RestContext } from '../rest/rest-context.ts';
import { placeOfService } from '../server/service-endpoint.ts';

/** Where a webhook is: a URL or a Service, and who may have signed its certificate. */
export interface WebhookTarget {
  readonly url?: string;
  readonly service?: {
    readonly namespace: string;
    readonly name: string;
    readonly path: string;
    readonly port: number;
  };
  /** PEM in base64; absent: the authorities of the system. */
  readonly caBundle?: string;
}

/** What finding and calling a webhook needs. */
export type WebhookContext = Pick<RestContext, 'served' | 'cache' | 'clock' | 'random'>;

/** A webhook could not be called, or did not answer as it must. */
export class WebhookCallError extends Error {
  override readonly name: string = 'WebhookCallError';
}

/** Largest answer that is read, in bytes. */
const maxAnswerBytes = 8 * 1024 * 1024;

/** Posts a review over HTTPS and reads the JSON answer; throws {@link WebhookCallError}. */
export async function callWebhook(
  context: WebhookContext,
  target: WebhookTarget,
  review: object,
  timeoutMs: number,
): Promise<unknown> {
  const place =
    target.service === undefined ? placeOfUrl(target.url ?? '') : placeOfWebhookService(context, target.service);
  const shown = `Post "${place.shown}?timeout=${timeoutMs / 1000}s"`;
  const body = Buffer.from(JSON.stringify(review));
  const abort = new AbortController();
  const cancel = context.clock.after(timeoutMs, () => abort.abort());
  const options: RequestOptions = {
    method: 'POST',
    host: place.host,
    port: place.port,
    path: `${place.path}${place.path.includes('?') ? '&' : '?'}timeout=${timeoutMs / 1000}s`,
    servername: place.servername,
    headers: {
      host: place.authority,
      'content-type': 'application/json',
      accept: 'application/json',
      'content-length': body.length,
    },
    signal: abort.signal,
    agent: false,
    ...(target.caBundle === undefined || target.caBundle === '' ? {} : { ca: Buffer.from(target.caBundle, 'base64') }),
  };
  try {
    return await new Promise<unknown>((resolve, reject) => {
      const fail = (why: string): void => reject(new WebhookCallError(`${shown}: ${why}`));
      const outgoing = httpsRequest(options, (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > maxAnswerBytes) {
            outgoing.destroy();
            fail('answer is too large');
          } else chunks.push(chunk);
        });
        response.on('error', (error) => fail(error.message));
        response.on('end', () => {
          const status = response.statusCode ?? 0;
          if (status < 200 || status > 299) {
            reject(
              new WebhookCallError(
                `the server responded with the status code ${status} but did not return more information`,
              ),
            );
            return;
          }
          try {
            resolve(parseJson(Buffer.concat(chunks).toString('utf8')));
          } catch {
            fail('answer is no JSON');
          }
        });
      });
      outgoing.on('error', (error) => fail(abort.signal.aborted ? 'context deadline exceeded' : error.message));
      outgoing.end(body);
    });
  } finally {
    cancel();
  }
}

interface Place {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** Name in the certificate; empty for addresses. */
  readonly servername: string;
  readonly authority: string;
  readonly shown: string;
}

function placeOfUrl(text: string): Place {
  if (!URL.canParse(text)) throw new WebhookCallError(`invalid URL ${JSON.stringify(text)}`);
  const url = new URL(text);
  if (url.protocol !== 'https:') throw new WebhookCallError(`URL ${JSON.stringify(text)} is not https`);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return {
    host,
    port: url.port === '' ? 443 : Number(url.port),
    path: url.pathname + url.search,
    servername: /^[0-9.]+$|:/.test(host) ? '' : host,
    authority: url.host,
    shown: text,
  };
}

function placeOfWebhookService(context: WebhookContext, service: NonNullable<WebhookTarget['service']>): Place {
  const { namespace, name, port } = service;
  const path = service.path.startsWith('/') ? service.path : `/${service.path}`;
  const servername = `${name}.${namespace}.svc`;
  const shown = `https://${servername}:${port}${path}`;
  const place = placeOfService(context, namespace, name, port);
  if (place.ok) {
    return { host: place.host, port: place.port, path, servername, authority: `${servername}:${port}`, shown };
  }
  switch (place.reason) {
    case 'ServiceNotFound':
      throw new WebhookCallError(`Post "${shown}": service "${name}" not found`);
    case 'ServicePortError':
      throw new WebhookCallError(`Post "${shown}": no service port ${port} found for service "${name}"`);
    case 'EndpointsNotFound':
    case 'MissingEndpoints':
      throw new WebhookCallError(`Post "${shown}": no endpoints available for service "${name}"`);
  }
}
