import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '../sys/clock.ts';
import { startAdminServer } from './admin-server.ts';
import { renderMetrics } from './exposition.ts';
import { createLog, formatLogfmt } from './log.ts';
import { MetricRegistry, OVERFLOW } from './metrics.ts';

describe('metrics', () => {
  test('the exposition of each type, in both formats', () => {
    const metrics = new MetricRegistry();
    const requests = metrics.counter({
      name: 'x_requests_total',
      help: 'Requests\nby "code" \\',
      labels: ['code', 'path'],
    });
    const open = metrics.gauge({ name: 'x_open', help: 'Open.' });
    const latency = metrics.histogram({ name: 'x_seconds', help: 'Latency.', labels: ['op'], buckets: [0.1, 1] });
    requests.add(1, '200', 'a"b\\c\nd');
    requests.add(2.5, '200', 'a"b\\c\nd');
    open.set(3);
    open.add(-1);
    for (const value of [0.1, 0.5, 2, 1]) latency.observe(value, 'get');
    const body = [
      '# HELP x_open Open.',
      '# TYPE x_open gauge',
      'x_open 2',
      '# HELP x_requests_total Requests\\nby "code" \\\\',
      '# TYPE x_requests_total counter',
      'x_requests_total{code="200",path="a\\"b\\\\c\\nd"} 3.5',
      '# HELP x_seconds Latency.',
      '# TYPE x_seconds histogram',
      'x_seconds_bucket{op="get",le="0.1"} 1',
      'x_seconds_bucket{op="get",le="1"} 3',
      'x_seconds_bucket{op="get",le="+Inf"} 4',
      'x_seconds_sum{op="get"} 3.6',
      'x_seconds_count{op="get"} 4',
      '',
    ];
    assert.equal(renderMetrics(metrics), body.join('\n'));
    const open2 = renderMetrics(metrics, 'openmetrics');
    assert.match(open2, /^# TYPE x_requests counter$/m);
    assert.match(open2, /^x_requests_total\{/m);
    assert.ok(open2.endsWith('\n# EOF\n'));
  });

  test('exemplars of buckets, in OpenMetrics only', () => {
    const metrics = new MetricRegistry();
    const latency = metrics.histogram({ name: 'x_seconds', help: 'Latency.', labels: ['op'], buckets: [0.1, 1] });
    latency.observe(0.5, 'get');
    latency.exemplify([undefined, { labels: [['trace_id', 'ab']], value: 0.5, atMs: 1_500 }], 'get');
    const lines = renderMetrics(metrics, 'openmetrics')
      .split('\n')
      .filter((line) => line.includes('bucket'));
    assert.deepEqual(lines, [
      'x_seconds_bucket{op="get",le="0.1"} 0',
      'x_seconds_bucket{op="get",le="1"} 1 # {trace_id="ab"} 0.5 1.5',
      'x_seconds_bucket{op="get",le="+Inf"} 1',
    ]);
    assert.equal(renderMetrics(metrics).includes('trace_id'), false);
  });

  test('series are bounded: the rest counts together', () => {
    const metrics = new MetricRegistry();
    const counter = metrics.counter({ name: 'x_total', help: 'X.', labels: ['host'], maxSeries: 3 });
    for (let i = 0; i < 100; i += 1) counter.add(1, `host-${i}`);
    const samples = [...metrics.collect()[0]!.samples()];
    assert.equal(samples.length, 4);
    assert.deepEqual(samples.at(-1), { type: 'value', labels: [OVERFLOW], value: 97 });
  });

  test('a removed series is gone; collectors run before each scrape', () => {
    const metrics = new MetricRegistry();
    const gauge = metrics.gauge({ name: 'x', help: 'X.', labels: ['name'] });
    gauge.set(1, 'gone');
    gauge.remove('gone');
    let scrapes = 0;
    metrics.onCollect(() => {
      scrapes += 1;
      gauge.set(scrapes, 'scrapes');
    });
    renderMetrics(metrics);
    assert.match(renderMetrics(metrics), /^x\{name="scrapes"\} 2$/m);
    assert.doesNotMatch(renderMetrics(metrics), /gone/);
  });

  const bugs: [name: string, act: (metrics: MetricRegistry) => void][] = [
    ['a name twice', (metrics) => metrics.gauge({ name: 'taken', help: '' })],
    ['a bad name', (metrics) => metrics.gauge({ name: 'a-b', help: '' })],
    ['a bad label', (metrics) => metrics.gauge({ name: 'x', help: '', labels: ['a:b'] })],
    ['buckets out of order', (metrics) => metrics.histogram({ name: 'x', help: '', buckets: [1, 1] })],
    ['a missing label value', (metrics) => metrics.gauge({ name: 'x', help: '', labels: ['a'] }).set(1)],
    ['a shrinking counter', (metrics) => metrics.counter({ name: 'x', help: '' }).add(-1)],
  ];
  for (const [name, act] of bugs) {
    test(`${name} throws`, () => {
      const metrics = new MetricRegistry();
      metrics.gauge({ name: 'taken', help: '' });
      assert.throws(() => act(metrics), RangeError);
    });
  }
});

describe('log', () => {
  const clock = { ...systemClock, now: () => 0 };
  const rows: [name: string, fields: Record<string, unknown>, expected: string][] = [
    ['plain', { a: 'b', n: 1, t: true }, 'a=b n=1 t=true'],
    [
      'quoted when it must be',
      { a: 'two words', q: 'say "x"', e: '', eq: 'a=b' },
      'a="two words" q="say \\"x\\"" e="" eq="a=b"',
    ],
    ['no line breaks', { a: 'x\ny\u001b[31m' }, 'a="x\\ny\\u001b[31m"'],
    ['errors by message, undefined left out', { error: new Error('bad thing'), u: undefined }, 'error="bad thing"'],
    ['objects as JSON', { o: { a: [1n] } }, 'o="{\\"a\\":[\\"1\\"]}"'],
  ];
  for (const [name, fields, expected] of rows) test(name, () => assert.equal(formatLogfmt(fields), expected));

  test('level, fixed fields and format', () => {
    const lines: string[] = [];
    const write = (line: string): void => void lines.push(line);
    const log = createLog({ level: 'info', fields: { role: 'agent' }, clock, write });
    log('debug', 'hidden');
    log('warn', 'seen', { n: 1 });
    createLog({ level: 'debug', format: 'json', clock, write })('debug', 'json', { error: new Error('e') });
    assert.deepEqual(lines, [
      'time=1970-01-01T00:00:00.000Z level=warn msg=seen role=agent n=1',
      '{"time":"1970-01-01T00:00:00.000Z","level":"debug","msg":"json","error":"e"}',
    ]);
  });
});

describe('admin server', () => {
  test('paths', async () => {
    const metrics = new MetricRegistry();
    metrics.gauge({ name: 'x', help: 'X.' }).set(1);
    let problem: string | undefined = 'still loading';
    const server = await startAdminServer({
      port: 0,
      metrics,
      ready: { routes: () => problem, other: () => undefined },
      programs: { routes: () => ({ hosts: new Map([['a', { n: 1 }]]), names: new Set(['z']) }), dns: () => 'd' },
      log: () => undefined,
    });
    const get = async (path: string, init: RequestInit = {}): Promise<string> => {
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`, init);
      return `${response.status} ${await response.text()}`;
    };
    try {
      assert.equal(await get('/metrics'), '200 # HELP x X.\n# TYPE x gauge\nx 1\n');
      assert.match(
        await get('/metrics', { headers: { accept: 'application/openmetrics-text;version=1.0.0' } }),
        /# EOF\n$/,
      );
      assert.equal(await get('/healthz'), '200 ok');
      assert.equal(await get('/livez?verbose'), '200 livez check passed\n');
      assert.equal(await get('/readyz'), '503 [-]routes failed: still loading\n[+]other ok\nreadyz check failed\n');
      problem = undefined;
      assert.equal(await get('/readyz'), '200 ok');
      const program = (await get('/debug/program/routes')).slice(4);
      assert.deepEqual(JSON.parse(program), { hosts: { a: { n: 1 } }, names: ['z'] });
      assert.deepEqual(Object.keys(JSON.parse((await get('/debug/program')).slice(4))), ['routes', 'dns']);
      assert.equal(await get('/debug/program/none'), '404 programs: routes dns\n');
      assert.match(await get('/'), /^404 /);
      assert.match(await get('/metrics', { method: 'POST' }), /^405 /);
      await assert.rejects(startAdminServer({ port: server.port, metrics, log: () => undefined }), /EADDRINUSE/);
    } finally {
      await server.stop();
      await server.stop();
    }
  });
});
