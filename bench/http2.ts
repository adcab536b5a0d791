import { callUs } from './l7/gateway-in-memory.ts';
import { codecUs } from './l7/http2-codec.ts';
import { runL7Bench } from './l7.ts';
import { printTable } from './table.ts';

/** HTTP/2 clients, as {@link runL7Bench}; then our codec, and our gateway, alone. */
export async function runHttp2Bench(args: readonly string[]): Promise<void> {
  await runL7Bench('http2', args);
  printTable(
    'In memory, without kernel',
    ['what', 'CPU us/request'],
    [
      ['codec: request in, response out', codecUs()],
      ['gateway: gRPC unary, HTTP/2 on both sides', callUs()],
    ],
  );
}
