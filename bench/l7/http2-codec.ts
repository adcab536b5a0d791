import { Http2Connection } from '../../packages/fairlead/src/wire/http2/connection.ts';
import { http2Scratch } from '../../packages/fairlead/src/wire/http2/events.ts';
import { FieldList } from '../../packages/fairlead/src/wire/http2/field-list.ts';
import { OutputBuffer } from '../../packages/fairlead/src/wire/http2/output-buffer.ts';
import { DEFAULT_HTTP2_OPTIONS } from '../../packages/fairlead/src/wire/http2/settings.ts';

function threadCpuUs(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

/** CPU microseconds per request that the codec alone takes: a request's frames in, a response's frames out. */
export function codecUs(): number {
  const serverOut = new OutputBuffer();
  const clientOut = new OutputBuffer();
  const body = Buffer.from('x'.repeat(100));
  const head = new FieldList();
  for (const [name, value] of [
    [':status', '200'],
    ['server', 'nginx'],
    ['date', 'Sat, 21 Nov 2026 14:00:00 GMT'],
    ['content-type', 'text/plain'],
    ['content-length', '100'],
  ] as const) {
    head.addText(name, value);
  }
  const ignore = {
    onInterim() {},
    onData() {},
    onTrailers() {},
    onReset() {},
    onWritable() {},
    onGoaway() {},
    onConnectionError() {},
  };
  const server: Http2Connection<undefined> = new Http2Connection(
    'server',
    DEFAULT_HTTP2_OPTIONS,
    {
      ...ignore,
      onHead(stream) {
        server.sendHeaders(stream, head, false);
        server.sendData(stream, body, 0, body.length, true);
      },
    },
    serverOut,
    http2Scratch(),
  );
  const client: Http2Connection<undefined> = new Http2Connection(
    'client',
    DEFAULT_HTTP2_OPTIONS,
    { ...ignore, onHead() {}, onData: (stream, _bytes, start, end) => client.consume(stream, end - start) },
    clientOut,
    http2Scratch(),
  );
  const request = new FieldList();
  for (const [name, value] of [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':authority', 'shop.example'],
    [':path', '/api/items/1234?page=2'],
    ['user-agent', 'Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/150.0'],
    ['accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
    ['accept-encoding', 'gzip, deflate, br'],
    ['cookie', 'session=0123456789abcdef0123456789abcdef'],
  ] as const) {
    request.addText(name, value);
  }
  server.start();
  client.start();
  let serverUs = 0;
  const batch = 50;
  const total = 200_000;
  let now = 0;
  for (let done = 0; done < total; done += batch) {
    now += 10;
    for (let i = 0; i < batch; i++) client.openStream(request, true, false);
    const began = threadCpuUs();
    server.feed(clientOut.bytes, 0, clientOut.length, now);
    // The first half warms up.
    if (done >= total / 2) serverUs += threadCpuUs() - began;
    clientOut.clear();
    client.feed(serverOut.bytes, 0, serverOut.length, now);
    serverOut.clear();
  }
  return serverUs / (total / 2);
}
