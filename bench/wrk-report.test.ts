import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readWrkReport } from './wrk-report.ts';

const head = `Running 2s test @ http://127.0.0.1/
  Latency Distribution
     50%    1.20ms
     99%   12.34ms
  2048 requests in 2.00s, 1.20MB read
`;

test('what wrk prints', () => {
  assert.deepEqual(readWrkReport(head), { requests: 2048, refused: 0, failed: 0, kinds: '', p99: '12.34ms' });
  const failed = `${head}  Socket errors: connect 1, read 2, write 0, timeout 3\n  Non-2xx or 3xx responses: 10\n`;
  const { kinds, ...counts } = readWrkReport(failed);
  assert.deepEqual(counts, { requests: 2048, refused: 10, failed: 16, p99: '12.34ms' });
  assert.match(kinds, /^Socket errors: .*; Non-2xx or 3xx responses: 10$/);
  assert.deepEqual(readWrkReport(''), { requests: 0, refused: 0, failed: 0, kinds: '', p99: '-' });
});
