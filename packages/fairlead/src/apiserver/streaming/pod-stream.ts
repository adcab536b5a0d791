import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { nodeHttp } from '../../sys/node-http.ts';
import type { RestContext, RestRequest } from '../rest/rest-context.ts';
import { existing } from '../rest/write-object.ts';
import type { ApiAnswer } from '../server/api-request.ts';
import { badRequest, StatusError } from '../server/status-error.ts';
import { recordOf } from '../watch/kube-object.ts';
import { nodeServer } from './node-server.ts';

/** The subresources of a Pod that turn a connection into streams. */
export type PodStreamKind = 'exec' | 'attach' | 'portforward';

/** Request headers that decide about the other protocol; the rest stays here. */
const REQUEST_HEADERS = [
  'upgrade',
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-protocol',
  'x-stream-protocol-version',
] as const;
const ANSWER_HEADERS = [
  'upgrade',
  'sec-websocket-accept',
  'sec-websocket-protocol',
  'x-stream-protocol-version',
] as const;
/** Query parameters that the node's server understands. */
const PARAMETERS = ['stdin', 'stdout', 'stderr', 'tty', 'command', 'ports'] as const;
const ANSWER_MAX_BYTES = 64 * 1024;

/**
 * Opens exec, attach or port-forward: the node's server speaks the client's protocol, WebSocket or SPDY,
 * and the bytes pass through here. Whatever the node refuses is the answer to the request.
 * @throws StatusError
 */
export async function openPodStream(
  context: RestContext,
  target: RestRequest,
  name: string,
  kind: PodStreamKind,
  token: string,
): Promise<ApiAnswer> {
  const { request, namespace } = target;
  const pod = existing(context, target, name).object;
  const spec = recordOf(pod.spec) ?? {};
  const phase = String(recordOf(pod.status)?.phase ?? '');
  const path = ['', kind === 'portforward' ? 'portForward' : kind, namespace, name];
  if (kind !== 'portforward') {
    path.push(containerOf(spec, name, request.query.get('container') ?? ''));
    if (phase === 'Succeeded' || phase === 'Failed') {
      const what = kind === 'exec' ? 'exec into' : 'attach to';
      throw badRequest(`cannot ${what} a container in a completed pod; current phase is ${phase}`);
    }
  }
  const nodeName = String(spec.nodeName ?? '');
  if (nodeName === '') throw badRequest(`pod ${name} does not have a host assigned`);
  if (request.headers.upgrade === undefined) throw badRequest('Upgrade request required');
  const { host, port } = nodeServer(context, nodeName);
  const query = new URLSearchParams();
  for (const parameter of PARAMETERS)
    for (const value of request.query.getAll(parameter)) query.append(parameter, value);
  const headers: Record<string, string> = { connection: 'Upgrade', authorization: `Bearer ${token}` };
  for (const header of REQUEST_HEADERS) {
    const value = request.headers[header];
    if (value !== undefined) headers[header] = String(value);
  }
  return new Promise((resolve, reject) => {
    const upstream = nodeHttp.request({
      host,
      port,
      method: request.method,
      path: `${path.map(encodeURIComponent).join('/')}?${query}`,
      headers,
      agent: false,
      signal: request.signal,
    });
    upstream.on('error', (error) => {
      const text = `error dialing backend: ${error.message} (node "${nodeName}")`;
      reject(
        new StatusError(500, 'InternalError', `Internal error occurred: ${text}`, { causes: [{ message: text }] }),
      );
    });
    upstream.on('upgrade', (response, backend: Duplex, backendHead) => {
      const answer: Record<string, string> = { connection: 'Upgrade' };
      for (const header of ANSWER_HEADERS) {
        const value = response.headers[header];
        if (value !== undefined) answer[header] = String(value);
      }
      resolve({
        status: 101,
        headers: answer,
        upgrade(client, clientHead) {
          if (backendHead.length > 0) client.write(backendHead);
          if (clientHead.length > 0) backend.write(clientHead);
          join(client, backend);
        },
      });
    });
    upstream.on('response', (response) => void refusal(response).then(resolve, reject));
    upstream.end();
  });
}

/** Passes bytes both ways; the end of one side ends the other after what was written. */
function join(client: Duplex, backend: Duplex): void {
  for (const [from, to] of [
    [client, backend],
    [backend, client],
  ] as const) {
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.once('close', () => to.end());
  }
}

async function refusal(response: IncomingMessage): Promise<ApiAnswer> {
  let text = '';
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (text.length < ANSWER_MAX_BYTES) text += chunk.toString();
  }
  const headers = { 'content-type': response.headers['content-type'] ?? 'text/plain' };
  return { status: response.statusCode ?? 502, headers, body: text };
}

function containerOf(spec: Readonly<Record<string, unknown>>, pod: string, wanted: string): string {
  const names = (list: unknown): string[] =>
    (Array.isArray(list) ? (list as unknown[]) : []).map((one) => String(recordOf(one)?.name ?? ''));
  const containers = names(spec.containers);
  if (wanted === '') {
    if (containers.length === 1) return containers[0]!;
    throw badRequest(`a container name must be specified for pod ${pod}, choose one of: [${containers.join(' ')}]`);
  }
  const others = [...names(spec.initContainers), ...names(spec.ephemeralContainers)];
  if ([...containers, ...others].includes(wanted)) return wanted;
  throw badRequest(`container ${wanted} is not valid for pod ${pod}`);
}
