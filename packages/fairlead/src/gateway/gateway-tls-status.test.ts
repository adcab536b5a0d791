import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import type { RouteCertificate } from '../routing/route-table.ts';
import { systemClock } from '../sys/clock.ts';
import { engine } from '../sys/engine-kind.ts';
import { freePort } from '../sys/testing/free-ports.ts';
import { type GatewayRig, startRig, within } from './test-rig/gateway-rig.ts';
import { type Leaf, OpensslPki, opensslSkip } from './test-rig/openssl-pki.ts';

const run = promisify(execFile);
const skip = opensslSkip() || (engine.kind === 'node' ? 'needs FFI' : false);

describe('certificates and their status', { skip }, () => {
  let pki: OpensslPki;
  let clients: OpensslPki;
  let responder: ChildProcess | undefined;
  let rig: GatewayRig;
  let port = 0;
  let keyLog = '';
  let first: Leaf;
  let second: Leaf;
  let friend: Leaf;
  let stranger: Leaf;

  before(async () => {
    pki = new OpensslPki();
    clients = new OpensslPki('Clients');
    keyLog = join(pki.folder, 'keys.log');
    const ocspPort = await freePort();
    const extensions = [`authorityInfoAccess=OCSP;URI:http://127.0.0.1:${ocspPort}/`];
    first = pki.leaf('first.example', { extensions });
    second = pki.leaf('second.example', { extensions });
    friend = clients.leaf('friend');
    stranger = clients.leaf('stranger');
    responder = spawn(
      'openssl',
      [
        'ocsp',
        '-index',
        pki.indexFile(),
        '-port',
        String(ocspPort),
        '-rsigner',
        pki.caFile,
        '-rkey',
        pki.caKeyFile,
      ].concat(['-CA', pki.caFile, '-nmin', '60']),
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    // It says so once it listens; a connection without a request would hold it up.
    const waiting = Promise.withResolvers<void>();
    let said = '';
    responder.stderr!.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (/waiting for OCSP client connections/.test(said)) waiting.resolve();
    });
    await within('the responder', waiting.promise);
    rig = await startRig(
      { listeners: [['https', { name: 'https', protocol: 'https', address: '127.0.0.1', port: 0 }]] },
      { workers: 2, ocsp: 'any', keyLogFile: keyLog, tlsSettings: { curves: 'P-256:X25519' } },
    );
    port = rig.gateway.listeners()[0]!.port;
  });
  after(async () => {
    await rig?.stop();
    responder?.kill();
    pki?.remove();
    clients?.remove();
  });

  const entry = (leaf: Leaf, host: string, more: Partial<RouteCertificate> = {}): RouteCertificate => ({
    key: `x/${host}`,
    hosts: [host],
    certificate: leaf.certificate + pki.ca,
    privateKey: leaf.privateKey,
    ...more,
  });
  const apply = (...entries: readonly RouteCertificate[]): Promise<void> =>
    rig.apply({ certificates: entries.map((each) => [each.key, each] as const) });

  async function handshake(options: ConnectionOptions): Promise<TLSSocket> {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
    socket.on('error', () => {});
    await within(
      'a handshake',
      new Promise<void>((resolve, reject) => {
        socket.once('secureConnect', resolve);
        socket.once('error', reject);
      }),
    );
    return socket;
  }

  /** Also behind an alert. */
  const closed = (socket: TLSSocket): Promise<void> =>
    within('the end', new Promise((resolve) => socket.once('close', () => resolve())));

  /** The stapled response of a handshake, empty without one. */
  async function staple(servername: string, options: ConnectionOptions = {}): Promise<Buffer> {
    const socket = connect({
      port,
      host: '127.0.0.1',
      servername,
      rejectUnauthorized: false,
      requestOCSP: true,
      ...options,
    });
    socket.on('error', () => {});
    const [response] = (await within('a status', once(socket, 'OCSPResponse'))) as [Buffer | null];
    socket.destroy();
    return response ?? Buffer.alloc(0);
  }

  /** Waits until handshakes staple something: the responder is asked beside the handshakes. */
  async function untilStapled(servername: string): Promise<void> {
    await within(
      'a staple',
      (async () => {
        while ((await staple(servername)).length === 0) await systemClock.sleep(20);
      })(),
    );
  }

  test('openssl finds its own response stapled and good, in both versions and in every worker', async () => {
    await apply(entry(first, 'first.example'));
    await untilStapled('first.example');
    for (const version of ['-tls1_2', '-tls1_3']) {
      for (let round = 0; round < 6; round++) {
        const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'first.example', '-status', version];
        const asked = run('openssl', [...args, '-CAfile', pki.caFile]);
        asked.child.stdin?.end();
        const { stdout } = await asked;
        assert.match(stdout, /OCSP Response Status: successful/);
        assert.match(stdout, /Cert Status: good/);
        assert.match(stdout, /Verify return code: 0/);
      }
    }
  });

  test('another certificate brings its own; the same one keeps its staple when its hosts change', async () => {
    await apply(entry(first, 'first.example'), entry(second, 'second.example'));
    await untilStapled('second.example');
    const [one, two] = [await staple('first.example'), await staple('second.example')];
    assert.ok(!one.equals(two));
    await apply(entry(first, 'first.example', { hosts: ['first.example', 'third.example'] }));
    await untilStapled('third.example');
    assert.equal((await staple('unknown.example')).length, 0);
  });

  test('workers that take over staple too', async () => {
    await untilStapled('first.example');
    await within('new workers', rig.gateway.replaceWorkers({ drainMs: 0 }));
    for (let round = 0; round < 6; round++) await untilStapled('first.example');
  });

  test('who does not ask gets nothing', async () => {
    const socket = await handshake({ servername: 'first.example' });
    socket.on('OCSPResponse', () => assert.fail('not asked for'));
    socket.destroy();
  });

  test('versions, suites and curves, of the gateway and of a certificate', async () => {
    await apply(
      entry(first, 'plain.example'),
      entry(first, 'modern.example', { settings: { minVersion: '1.3' } }),
      entry(first, 'picky.example', {
        settings: {
          ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384',
          cipherSuites: 'TLS_CHACHA20_POLY1305_SHA256',
          curves: 'X25519',
        },
      }),
    );
    const rows: readonly [host: string, options: ConnectionOptions, expected: string][] = [
      ['plain.example', { maxVersion: 'TLSv1.2' }, 'TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256'],
      ['plain.example', {}, 'TLSv1.3 TLS_AES_128_GCM_SHA256'],
      ['plain.example', { ecdhCurve: 'secp384r1' }, 'refused'],
      ['modern.example', {}, 'TLSv1.3 TLS_AES_128_GCM_SHA256'],
      ['modern.example', { maxVersion: 'TLSv1.2' }, 'refused'],
      ['picky.example', { maxVersion: 'TLSv1.2' }, 'TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384'],
      ['picky.example', {}, 'TLSv1.3 TLS_CHACHA20_POLY1305_SHA256'],
      ['picky.example', { ciphers: 'TLS_AES_128_GCM_SHA256' }, 'refused'],
      ['picky.example', { ecdhCurve: 'P-256' }, 'refused'],
      ['plain.example', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }, 'refused'],
    ];
    for (const [servername, options, expected] of rows) {
      const seen = await handshake({ servername, ...options }).then(
        (socket) => {
          const text = `${socket.getProtocol()} ${socket.getCipher().name}`;
          socket.destroy();
          return text;
        },
        () => 'refused',
      );
      assert.equal(seen, expected, `${servername} ${JSON.stringify(options)}`);
    }
  });

  test('settings that nobody understands are refused, and the old certificate goes on', async () => {
    await assert.rejects(apply(entry(first, 'plain.example', { settings: { ciphers: 'nonsense' } })), /nonsense/);
    (await handshake({ servername: 'plain.example' })).destroy();
  });

  test('a client whose certificate is revoked does not get in; the others do', async () => {
    const guarded = (revoked: string | undefined): RouteCertificate =>
      entry(first, 'guarded.example', {
        clientAuth: {
          mode: 'require',
          ca: clients.ca,
          ...(revoked === undefined ? {} : { revoked: Buffer.from(revoked).toString('base64') }),
        },
      });
    const enters = async (leaf: Leaf): Promise<boolean> => {
      const socket = await handshake({ servername: 'guarded.example', cert: leaf.certificate, key: leaf.privateKey });
      socket.write('GET / HTTP/1.1\r\nHost: guarded.example\r\nConnection: close\r\n\r\n');
      let received = 0;
      socket.on('data', (chunk: Buffer) => {
        received += chunk.length;
      });
      await closed(socket);
      return received > 0;
    };
    await apply(guarded(undefined));
    assert.deepEqual([await enters(friend), await enters(stranger)], [true, true]);
    clients.revoke(stranger);
    const crl = clients.crl();
    await apply(guarded(crl));
    assert.deepEqual([await enters(friend), await enters(stranger)], [true, false]);
    // The same list in DER.
    const der = Buffer.from(crl.replace(/-----[^-]+-----|\s/g, ''), 'base64');
    await apply(
      entry(first, 'guarded.example', {
        clientAuth: { mode: 'require', ca: clients.ca, revoked: der.toString('base64') },
      }),
    );
    assert.deepEqual([await enters(friend), await enters(stranger)], [true, false]);
    await assert.rejects(apply(guarded('nothing')), /neither PEM nor DER/);
  });

  test('a list that has expired lets nobody in, and the log says so', async () => {
    const config = join(clients.folder, 'ca.cnf');
    const file = join(clients.folder, 'old.crl');
    clients.run(
      ['ca', '-config', config, '-gencrl', '-out', file],
      ['-crl_lastupdate', '20200101000000Z', '-crl_nextupdate', '20200102000000Z'],
    );
    await apply(
      entry(first, 'guarded.example', {
        clientAuth: { mode: 'require', ca: clients.ca, revoked: readFileSync(file).toString('base64') },
      }),
    );
    await rig.logged(/a revocation list of clients has expired: nobody gets in.*2020-01-02/);
    const socket = await handshake({ servername: 'guarded.example', cert: friend.certificate, key: friend.privateKey });
    await closed(socket);
  });

  test('secrets of sessions are in the file that was asked for, for openssl to decipher', async () => {
    const socket = await handshake({ servername: 'plain.example', minVersion: 'TLSv1.3' });
    socket.destroy();
    const text = readFileSync(keyLog, 'latin1');
    assert.match(text, /^SERVER_TRAFFIC_SECRET_0 [0-9a-f]{64} [0-9a-f]{64}$/m);
    assert.match(text, /^CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}$/m);
    await rig.logged(/the secrets of TLS sessions are written/);
  });
});
