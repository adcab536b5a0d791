import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { type Secret, type Stored, secrets } from '@fairlead/api';
import { FakeApi } from '@fairlead/client/fake-api';
import { TestClock } from '@fairlead/client/test-clock';
import { selfSignedIdentity } from '../../gateway/self-signed.ts';
import type { RunningGateway } from '../../gateway/start.ts';
import { type GatewayRig, startRig, testRoute, within } from '../../gateway/test-rig/gateway-rig.ts';
import { ROTATE_MS, TicketKeyRing } from '../../gateway/ticket-keys.ts';
import { systemClock } from '../../sys/clock.ts';
import type { TlsIdentity } from '../../sys/tls-context.ts';
import { followDefaultCertificate, shareSecrets } from './gateway-secrets.ts';

const where = { namespace: 'fairlead', name: 'gateways' };
const HOUR = 3_600_000;

/** The part of a gateway that sharing is about, with a clock of the test's. */
class FakeGateway implements Pick<RunningGateway, 'secrets' | 'adoptSecrets'> {
  readonly ring: TicketKeyRing;
  identity: TlsIdentity;

  constructor(clock: TestClock) {
    this.ring = new TicketKeyRing(clock, () => {});
    this.identity = selfSignedIdentity('fairlead-gateway.invalid', clock.now());
  }

  secrets() {
    return { identity: this.identity, tickets: this.ring.kept() };
  }

  adoptSecrets({ identity, tickets }: Parameters<RunningGateway['adoptSecrets']>[0]): void {
    if (identity !== undefined) this.identity = identity;
    this.ring.adopt(tickets);
  }

  /** The key that makes its tickets. */
  get present(): string {
    return Buffer.from(this.ring.keys()[0]!).toString('hex');
  }

  reads(key: string): boolean {
    return this.ring.keys().some((bytes) => Buffer.from(bytes).toString('hex') === key);
  }
}

function sharing(t: TestContext, api: FakeApi, clock: TestClock, share: number) {
  const gateway = new FakeGateway(clock);
  const logs: string[] = [];
  const log = (level: string, message: string): void => void logs.push(`${level} ${message}`);
  const running = shareSecrets({ client: api, clock, random: () => share, log }, where, gateway);
  t.after(() => running.stop());
  t.after(() => gateway.ring.stop());
  return { gateway, logs, running };
}

test('the first gateway makes the Secret, the others take what is in it', async (t) => {
  const [api, clock] = [new FakeApi(), new TestClock()];
  const first = sharing(t, api, clock, 0);
  await clock.advance(1000);
  const made = await api.get(secrets, where);
  assert.equal(made.type, 'fairlead.dev/gateway-secrets');
  const key = first.gateway.present;

  const second = sharing(t, api, clock, 0.5);
  const own = second.gateway.present;
  assert.notEqual(own, key);
  await clock.advance(1000);
  assert.equal(second.gateway.present, key);
  assert.equal(second.gateway.reads(own), true, 'its own earlier tickets');
  assert.deepEqual(second.gateway.identity, first.gateway.identity);
  assert.equal((await api.get(secrets, where)).metadata.resourceVersion, made.metadata.resourceVersion);
});

test('the next key is known to all before its time, and one of them announces it', async (t) => {
  const [api, clock] = [new FakeApi(), new TestClock()];
  const gateways = [0.1, 0.4, 0.9].map((share) => sharing(t, api, clock, share));
  await clock.advance(1000);
  const presents = () => [...new Set(gateways.map(({ gateway }) => gateway.present))];
  const [first] = presents();
  assert.equal(presents().length, 1);
  for (let turn = 0; turn < 5; turn++) {
    const [before] = presents();
    await clock.advance(7.5 * HOUR);
    assert.deepEqual(presents(), [before]);
    const counts = gateways.map(({ gateway }) => gateway.secrets().tickets[0]!.madeMs - clock.now());
    assert.ok(
      counts.every((ahead) => ahead > 0),
      `announced: ${counts.join()}`,
    );
    await clock.advance(0.5 * HOUR);
    assert.equal(presents().length, 1);
    assert.notDeepEqual(presents(), [before]);
    assert.ok(gateways.every(({ gateway }) => gateway.reads(before!)));
  }
  assert.ok(!gateways.some(({ gateway }) => gateway.reads(first!)), 'nothing reads what is two days old');
  const kept = await api.get(secrets, where);
  const tickets = JSON.parse(Buffer.from(kept.data!['ticket-keys.json']!, 'base64').toString()) as unknown[];
  assert.ok(tickets.length <= 4, `${tickets.length} keys`);
  assert.deepEqual(
    gateways.flatMap(({ logs }) => logs),
    [],
  );
});

test('after days without any gateway one key is agreed on again', async (t) => {
  const [api, clock] = [new FakeApi(), new TestClock()];
  const old = sharing(t, api, clock, 0);
  await clock.advance(1000);
  await old.running.stop();
  await clock.advance(10 * ROTATE_MS);
  const two = [sharing(t, api, clock, 0.2), sharing(t, api, clock, 0.7)];
  await clock.advance(1000);
  assert.equal(two[0]!.gateway.present, two[1]!.gateway.present);
});

test('what is broken is told once and left alone', async (t) => {
  const [api, clock] = [new FakeApi(), new TestClock()];
  await api.create(secrets, { metadata: where, type: 'Opaque', data: { 'tls.crt': 'eA==', 'tls.key': 'eQ==' } });
  const { gateway, logs } = sharing(t, api, clock, 0);
  const own = gateway.present;
  await clock.advance(60_000);
  assert.deepEqual(logs, ['warn gateway secrets not shared']);
  assert.equal(gateway.present, own);
  assert.deepEqual((await api.get(secrets, where)).data, { 'tls.crt': 'eA==', 'tls.key': 'eQ==' });
});

/** A handshake, the ticket that came with it, and whose certificate was shown. */
async function dial(rig: GatewayRig, session?: Buffer) {
  const { port } = rig.gateway.listeners()[0]!;
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...(session && { session }) });
  socket.resume();
  const ticket = session === undefined ? once(socket, 'session') : [session];
  await within('a handshake', once(socket, 'secureConnect'));
  socket.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  const [given] = (await within('a ticket', Promise.resolve(ticket))) as [Buffer];
  const { fingerprint256: fingerprint } = socket.getPeerCertificate();
  const seen = { session: given, isResumed: socket.isSessionReused(), fingerprint };
  socket.destroy();
  return seen;
}

const table = {
  listeners: [['https', { name: 'https', protocol: 'https', address: '127.0.0.1', port: 0 }]],
  hosts: [['https|*', { listener: 'https', hostname: '*', routes: [testRoute('/', [])] }]],
} as const;

/** A rig, and waiting for what it takes over. */
async function rigOf(t: TestContext) {
  const rig = await startRig(table);
  t.after(() => rig.stop());
  let wake = (): void => {};
  const done = new Promise<void>((resolve) => {
    wake = resolve;
  });
  return { rig, done, wake };
}

test('clients resume at the other gateway, under the same certificate', { timeout: 120_000 }, async (t) => {
  const api = new FakeApi();
  const access = { client: api, clock: systemClock, random: () => 0, log: () => {} };
  const [one, two] = [await rigOf(t), await rigOf(t)];
  for (const { rig, wake } of [one, two]) {
    const running = shareSecrets(access, where, {
      secrets: () => rig.gateway.secrets(),
      adoptSecrets(shared) {
        rig.gateway.adoptSecrets(shared);
        wake();
      },
    });
    t.after(() => running.stop());
  }
  await within('sharing', Promise.all([one.done, two.done]));
  // What the workers are told, they are told before what comes next.
  await one.rig.apply({});
  await two.rig.apply({});
  const first = await dial(one.rig);
  const second = await dial(two.rig, first.session);
  assert.equal(second.isResumed, true);
  assert.equal((await dial(two.rig)).fingerprint, first.fingerprint);
  assert.equal((await dial(one.rig, second.session)).isResumed, true);
});

test('the default certificate is that of a Secret, and outlives it', { timeout: 120_000 }, async (t) => {
  const api = new FakeApi();
  const { rig } = await rigOf(t);
  const own = (await dial(rig)).fingerprint;
  const logs: string[] = [];
  let changed = Promise.withResolvers<void>();
  const log = (_: string, message: string): void => {
    logs.push(message);
    changed.resolve();
  };
  const running = followDefaultCertificate({ client: api, clock: systemClock, log }, where, {
    setDefaultCertificate(identity) {
      rig.gateway.setDefaultCertificate(identity);
      changed.resolve();
    },
  });
  t.after(() => running.stop());
  const step = async (change: () => Promise<unknown>): Promise<string> => {
    changed = Promise.withResolvers();
    await change();
    await within('a change', changed.promise);
    await rig.apply({});
    return (await dial(rig)).fingerprint;
  };
  const secretOf = (name: string): Pick<Stored<Secret>, 'data' | 'type'> => {
    const identity = selfSignedIdentity(name, systemClock.now());
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    return {
      type: 'kubernetes.io/tls',
      data: { 'tls.crt': base64(identity.certificate), 'tls.key': base64(identity.privateKey) },
    };
  };
  assert.equal(await step(async () => {}), own, 'while there is none');
  const first = await step(() => api.create(secrets, { metadata: where, ...secretOf('a') }));
  assert.notEqual(first, own);
  const second = await step(() => api.patch(secrets, where, 'merge', secretOf('b')));
  assert.ok(![own, first].includes(second));
  assert.equal(await step(() => api.patch(secrets, where, 'merge', { data: { 'tls.key': 'eA==' } })), second);
  assert.equal(await step(() => api.delete(secrets, where)), second);
  // A worker that comes later shows it, too.
  await within('other workers', rig.gateway.replaceWorkers({ drainMs: 0 }));
  assert.equal((await dial(rig)).fingerprint, second);
  assert.ok(logs.every((line) => line === 'default certificate not usable'));
});
