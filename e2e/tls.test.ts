import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { web } from './echo-manifest.ts';
import { command, eventually, kernelSkip, type Outcome, startSystem, type TestSystem } from './system.ts';

const skip = kernelSkip('kubectl', 'curl', 'openssl');
const constantRate = fileURLToPath(new URL('constant-rate.ts', import.meta.url));
let system: TestSystem;
let folder: string;
const file = (name: string): string => join(folder, name);

async function openssl(...args: readonly string[]): Promise<void> {
  const done = await command('openssl', args);
  assert.equal(done.status, 0, done.stderr);
}

/** A CA in NAME.crt and NAME.key. */
async function makeCa(name: string): Promise<void> {
  await openssl(
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'],
    ...['-subj', `/CN=${name}`, '-keyout', file(`${name}.key`), '-out', file(`${name}.crt`)],
  );
}

/** A certificate NAME.crt for these hosts, signed by a CA; `organization` tells its generations apart. */
async function issue(name: string, ca: string, organization: string, hosts: readonly string[]): Promise<void> {
  writeFileSync(file(`${name}.ext`), `subjectAltName=${hosts.map((host) => `DNS:${host}`).join(',')}\n`);
  await openssl(
    ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
    ...['-subj', `/O=${organization}/CN=${hosts[0]}`, '-keyout', file(`${name}.key`), '-out', file(`${name}.csr`)],
  );
  await openssl(
    ...['x509', '-req', '-in', file(`${name}.csr`), '-CA', file(`${ca}.crt`), '-CAkey', file(`${ca}.key`)],
    ...['-days', '30', '-extfile', file(`${name}.ext`), '-out', file(`${name}.crt`)],
  );
}

async function putSecret(name: string, certificate: string): Promise<void> {
  const cert = ['--cert', file(`${certificate}.crt`), '--key', file(`${certificate}.key`)];
  const manifest = await system.kubectl('create', 'secret', 'tls', name, ...cert, '--dry-run=client', '-o', 'yaml');
  await system.apply(manifest);
}

/** curl to a host, over TLS with the CA `trusted`. */
function curl(url: string, ...args: readonly string[]): Promise<Outcome> {
  const { hostname } = new URL(url);
  return system.exec(
    'curl',
    '-s',
    '-S',
    '-i',
    '--max-time',
    '10',
    '--resolve',
    `${hostname}:443:127.0.0.1`,
    ...args,
    url,
  );
}

before(async () => {
  if (skip !== false) return;
  folder = mkdtempSync(join(tmpdir(), 'fairlead-tls-'));
  await makeCa('root');
  await issue('first', 'root', 'first', ['one.example', '*.two.example']);
  await issue('second', 'root', 'second', ['one.example', '*.two.example']);
  await makeCa('clients');
  await issue('visitor', 'clients', 'visitor', ['visitor']);
  await makeCa('strangers');
  await issue('stranger', 'strangers', 'stranger', ['stranger']);
  system = await startSystem();
  await putSecret('edge', 'first');
  await system.kubectl('create', 'secret', 'generic', 'client-ca', `--from-file=ca.crt=${file('clients.crt')}`);
  const path = '{ path: /, pathType: Prefix, backend: { service: { name: alpha, port: { name: http } } } }';
  await system.apply(`${web('alpha', 2)}---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: secure }
spec:
  tls: [{ hosts: [one.example, '*.two.example'], secretName: edge }]
  rules:
    - { host: one.example, http: { paths: [${path}] } }
    - { host: '*.two.example', http: { paths: [${path}] } }
    - { host: plain.example, http: { paths: [${path}] } }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: guarded, annotations: { fairlead.dev/client-ca-secret: client-ca } }
spec:
  tls: [{ hosts: [guarded.example], secretName: edge }]
  rules: [{ host: guarded.example, http: { paths: [${path}] } }]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: broken }
spec:
  tls: [{ hosts: [broken.example], secretName: nowhere }]
  rules: [{ host: broken.example, http: { paths: [${path}] } }]
`);
  await system.kubectl('wait', 'deployment/alpha', '--for=condition=Available', '--timeout=100s');
  await eventually('the first answer', async () => {
    const answer = await curl('https://one.example/', '--cacert', file('root.crt'));
    return answer.stdout.startsWith('HTTP/2 200');
  });
});
after(async () => {
  await system?.dispose();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

for (const host of ['one.example', 'any.two.example']) {
  test(`https://${host}/ verifies against the CA of its Secret`, { skip }, async () => {
    const answer = await curl(`https://${host}/`, '--cacert', file('root.crt'));
    assert.equal(answer.status, 0, answer.stderr);
    assert.match(answer.stdout, /^HTTP\/[12.]+ 200/);
    assert.match(answer.stdout, /"pod":\s*"alpha-/);
    assert.match(answer.stdout, /x-forwarded-proto"?:\s*\[?\s*"?https/i);
  });
}

for (const host of ['plain.example', 'deep.any.two.example', 'broken.example']) {
  test(`https://${host}/ gets the default certificate`, { skip }, async () => {
    const refused = await curl(`https://${host}/`, '--cacert', file('root.crt'));
    assert.equal(refused.status, 60, 'curl: peer certificate cannot be verified');
    const shown = await curl(`https://${host}/`, '-k', '-v');
    assert.match(shown.stderr, /subject: CN=fairlead-gateway\.invalid/);
    assert.match(shown.stdout, host === 'deep.any.two.example' ? /^HTTP\/[12.]+ 404/ : /^HTTP\/[12.]+ 200/);
  });
}

test('plain HTTP leads to it', { skip }, async () => {
  const answer = await system.exec('curl', '-s', '-i', '-H', 'Host: one.example', 'http://127.0.0.1/');
  assert.match(answer.stdout, /^HTTP\/[12.]+ 308[\s\S]*\r\nlocation: https:\/\/one\.example\/\r\n/);
});

test('a missing Secret is told on its Ingress', { skip }, async () => {
  await eventually('the event', async () => {
    const described = await system.kubectl('describe', 'ingress', 'broken');
    return /SecretNotFound.*spec\.tls\[0\]\.secretName: Secret default\/nowhere does not exist/.test(described);
  });
});

test('a client CA lets in whom it signed, nobody else, and not over plain HTTP', { skip }, async () => {
  const identity = (name: string): string[] => ['--cert', file(`${name}.crt`), '--key', file(`${name}.key`)];
  const welcome = await curl('https://guarded.example/', '-k', ...identity('visitor'));
  assert.match(welcome.stdout, /^HTTP\/[12.]+ 200/, welcome.stderr);
  for (const args of [[], identity('stranger')]) {
    const refused = await curl('https://guarded.example/', '-k', ...args);
    assert.notEqual(refused.status, 0);
    assert.equal(refused.stdout, '');
  }
  const plain = await system.exec('curl', '-s', '-i', '-H', 'Host: guarded.example', 'http://127.0.0.1/');
  assert.match(plain.stdout, /^HTTP\/[12.]+ 421/);
});

test('a certificate is replaced under load without a lost request', { skip }, async () => {
  const load = system.exec(process.execPath, constantRate, 'https://127.0.0.1/', 'one.example', '50', '12');
  for (const certificate of ['second', 'first', 'second']) {
    await putSecret('edge', certificate);
    await eventually(`the certificate ${certificate}`, async () => {
      const shown = await curl('https://one.example/', '--cacert', file('root.crt'), '-v');
      return shown.stderr.includes(`O=${certificate}`);
    });
  }
  const { stdout, stderr } = await load;
  const { outcomes, certificates } = JSON.parse(stdout || '{}');
  assert.deepEqual(outcomes, { 200: 600 }, stderr);
  assert.deepEqual(Object.keys(certificates).sort(), ['first', 'second']);
});

/** An echo Pod that speaks TLS, HTTP/2 by ALPN, with the certificate of a Secret. */
const inner = `
apiVersion: v1
kind: Pod
metadata: { name: inner, labels: { app: inner } }
spec:
  volumes: [{ name: tls, secret: { secretName: inner } }]
  containers:
    - name: echo
      image: fairlead/echo
      args: [--port, '8080', --tls-port, '8443']
      env:
        - { name: TLS_SERVER_CERT, value: /etc/inner/tls.crt }
        - { name: TLS_SERVER_PRIVKEY, value: /etc/inner/tls.key }
      volumeMounts: [{ name: tls, mountPath: /etc/inner }]
      readinessProbe: { httpGet: { path: /readyz, port: 8080 }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata:
  name: inner
  annotations: { fairlead.dev/backend-protocol: H2, fairlead.dev/backend-ca: configmap inner-ca, fairlead.dev/backend-names: dns inner.example }
spec: { selector: { app: inner }, ports: [{ port: 443, targetPort: 8443 }] }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: inner }
spec:
  rules: [{ host: inner.example, http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: inner, port: { number: 443 } } } }] } }]
`;

test('a Service says how its endpoints are spoken to: TLS, HTTP/2, CA and names', { skip }, async () => {
  await issue('inner', 'root', 'inner', ['inner.example']);
  await putSecret('inner', 'inner');
  await system.apply(inner);
  await system.kubectl('wait', 'pod/inner', '--for=condition=Ready', '--timeout=100s');
  const get = (): Promise<Outcome> => system.exec('curl', '-s', '-i', '-H', 'Host: inner.example', 'http://127.0.0.1/');
  await eventually('a closed backend', async () => (await get()).stdout.startsWith('HTTP/1.1 503'));
  await eventually('the event', async () =>
    (await system.kubectl('describe', 'ingress', 'inner')).includes(
      'ConfigMap default/inner-ca does not exist; requests get 503',
    ),
  );
  await system.kubectl('create', 'configmap', 'inner-ca', `--from-file=ca.crt=${file('root.crt')}`);
  await eventually('an answer in HTTP/2', async () => {
    const { stdout } = await get();
    return stdout.startsWith('HTTP/1.1 200') && /"(proto|protocol)":\s*"HTTP\/2/.test(stdout);
  });
  await system.kubectl('annotate', 'service', 'inner', '--overwrite', 'fairlead.dev/backend-names=dns other.example');
  await eventually('a refusal', async () => (await get()).stdout.startsWith('HTTP/1.1 502'));
  await system.kubectl('annotate', 'service', 'inner', '--overwrite', 'fairlead.dev/backend-names=inner.example');
  await eventually('the mistake told', async () =>
    (await system.kubectl('describe', 'ingress', 'inner')).includes("'inner.example' is neither dns NAME nor uri URI"),
  );
});

test('an Ingress chooses the version of TLS, and is told of what cannot be read', { skip }, async () => {
  await system.kubectl(
    'annotate',
    'ingress',
    'secure',
    'fairlead.dev/tls-min-version=1.3',
    'fairlead.dev/tls-curves=Q',
  );
  await eventually('only TLS 1.3', async () => {
    const old = await curl('https://one.example/', '--cacert', file('root.crt'), '--tls-max', '1.2');
    const present = await curl('https://one.example/', '--cacert', file('root.crt'));
    return old.status === 35 && present.status === 0;
  });
  await eventually('the event', async () =>
    (await system.kubectl('describe', 'ingress', 'secure')).includes("'Q' has no curves that OpenSSL knows"),
  );
});

test('a client whose certificate is revoked does not get in any more', { skip }, async () => {
  const visitor = ['-k', '--cert', file('visitor.crt'), '--key', file('visitor.key')];
  assert.equal((await curl('https://guarded.example/', ...visitor)).status, 0);
  writeFileSync(file('index.txt'), '');
  writeFileSync(
    file('ca.cnf'),
    `[ca]\ndefault_ca=own\n[own]\ndatabase=${file('index.txt')}\ncertificate=${file('clients.crt')}\nprivate_key=${file('clients.key')}\ndefault_md=sha256\n`,
  );
  await openssl('ca', '-config', file('ca.cnf'), '-revoke', file('visitor.crt'));
  await openssl('ca', '-config', file('ca.cnf'), '-gencrl', '-crldays', '1', '-out', file('clients.crl'));
  const files = [`--from-file=ca.crt=${file('clients.crt')}`, `--from-file=ca.crl=${file('clients.crl')}`];
  const manifest = await system.kubectl(
    'create',
    'secret',
    'generic',
    'client-ca',
    ...files,
    '--dry-run=client',
    '-o',
    'yaml',
  );
  await system.apply(manifest);
  await eventually('a refusal', async () => (await curl('https://guarded.example/', ...visitor)).status !== 0);
});
