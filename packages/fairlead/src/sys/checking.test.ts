import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

function run(args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  const env: NodeJS.ProcessEnv = { ...process.env, FAIRLEAD_CHECK_SYS: '1' };
  // A test process within a test process would report to its parent.
  delete env.NODE_TEST_CONTEXT;
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [...args], { env, timeout: 120_000 }, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, output: stdout + stderr });
    });
  });
}

/** A program on `sys`, as the body of a module. */
function program(body: string): Promise<{ readonly code: number; readonly output: string }> {
  const imports = [
    `import { PinnedBuffer } from ${JSON.stringify(file('pinned.ts'))};`,
    `import { bind, close, recv, socket } from ${JSON.stringify(file('socket.ts'))};`,
    `import * as ssl from ${JSON.stringify(file('openssl.ts'))};`,
    `import { declare } from ${JSON.stringify(file('libc.ts'))};`,
  ];
  return run(['--input-type=module-typescript', '-e', `${imports.join('\n')}\n${body}`]);
}

const rows: readonly [name: string, body: string, complaint: RegExp | undefined][] = [
  ['sound calls', 'const fd = socket(2, 2); recv(fd, new PinnedBuffer(10), 2, 8); close(fd);', undefined],
  ['a second close', 'const fd = socket(2, 1); close(fd); close(fd);', /close\(\d+\): descriptor \d+ is not open/],
  ['use after close', 'const fd = socket(2, 2); close(fd); recv(fd, new PinnedBuffer(8), 0, 8);', /recv.*is not open/],
  [
    'a range that overruns its buffer',
    `const buffer = new PinnedBuffer(4096); const recvRaw = declare('int recv(int, uintptr_t, size_t, int)');
     recvRaw(socket(2, 2), buffer.address + 1, 1 << 30, 0x40);`,
    /recv.*outside every known buffer/,
  ],
  ['an SSL that was never made', 'ssl.sslRead(12345, 0, 0);', /SSL_read.*no live SSL/],
  [
    'an SSL_CTX after its end',
    'const context = ssl.contextNew(ssl.serverMethod()); ssl.contextFree(context); ssl.sslNew(context);',
    /SSL_new.*no live SSL_CTX/,
  ],
  [
    'an SSL freed twice',
    `const context = ssl.contextNew(ssl.serverMethod()); const session = ssl.sslNew(context);
     ssl.sslFree(session); ssl.sslFree(session);`,
    /SSL_free.*no live SSL/,
  ],
];
for (const [name, body, complaint] of rows) {
  test(`the checking sys: ${name}`, async () => {
    const { code, output } = await program(body);
    assert.equal(code, complaint === undefined ? 0 : 1, output);
    if (complaint !== undefined) assert.match(output, complaint);
  });
}

for (const suite of [
  '../reactor/epoll-reactor.test.ts',
  '../gateway/gateway.test.ts',
  '../gateway/gateway-tls.test.ts',
  '../gateway/gateway-failure.test.ts',
  '../gateway/gateway-http2.test.ts',
  '../gateway/gateway-h2c.test.ts',
  '../gateway/upstream-tls.test.ts',
  '../gateway/compression/compression.test.ts',
  './compressor.test.ts',
  '../gateway/l4/l4.test.ts',
  '../services/apply-userspace.test.ts',
]) {
  test(`under the checking sys: ${suite}`, async () => {
    const { code, output } = await run(['--test', file(suite)]);
    assert.doesNotMatch(output, /checking sys:/);
    assert.equal(code, 0, output.slice(-3000));
  });
}
