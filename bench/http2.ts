import { codecUs } from './l7/http2-codec.ts';
import { runL7Bench } from './l7.ts';
import { printTable } from './table.ts';

/** HTTP/2 clients, as {@link runL7Bench}; then our codec alone. */
export async function runHttp2Bench(args: readonly string[]): Promise<void> {
  await runL7Bench('http2', args);
  printTable('Codec alone, in memory', ['what', 'us/request'], [['request in, response out', codecUs()]]);
}
