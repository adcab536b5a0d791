import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { annotatedIngress, web } from './echo-manifest.ts';
import { eventually, kernelSkip, startSystem, type TestSystem } from './system.ts';

const skip = kernelSkip('kubectl', 'curl');
let system: TestSystem;

const filtered = (name: string, annotations: Readonly<Record<string, string>>): string =>
  annotatedIngress(name, 'alpha', annotations);

/** An htpasswd file; the password is `right`, hashed with bcrypt. */
const users = 'ann:$2y$05$vE7MBYILTo5FsdO8OwFNXOZhcHtZvJyc6WOpeE0zk7TPCcspRSZs.';

/** Two paths, of which one takes less, and pages for what nobody has. */
const parted = `---
apiVersion: v1
kind: ConfigMap
metadata: { name: pages }
data: { 404.html: '<h1>lost</h1>' }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: parted
  annotations:
    fairlead.dev/error-pages: configmap/pages
    fairlead.dev/compression: gzip
    fairlead.dev/compression-min-size: '0'
    fairlead.dev/paths: '{ "/small": { "max-body-size": "10" } }'
spec:
  rules:
    - host: parted.example
      http:
        paths:
          - { path: /small, pathType: Prefix, backend: { service: { name: alpha, port: { name: http } } } }
          - { path: /large, pathType: Prefix, backend: { service: { name: alpha, port: { name: http } } } }
`;

before(async () => {
  if (skip !== false) return;
  system = await startSystem({ args: ['--gateway-trusted-proxies', '127.0.0.1'] });
  await system.apply(`${web('alpha', 1)}---
apiVersion: v1
kind: Secret
metadata: { name: users }
stringData: { auth: '${users}' }
${filtered('cors', { 'cors-allow-origin': 'https://shop.example' })}
${filtered('users', { 'basic-auth-secret': 'users', 'basic-auth-realm': 'Shop' })}
${filtered('rate', { 'rate-limit': '1/hour', 'rate-limit-burst': '2' })}
${filtered('small', { 'max-body-size': '10' })}
${filtered('edited', { 'request-headers': 'set X-Team: shop', 'response-headers': 'set X-Served: yes', 'rewrite-path': '/new' })}
${filtered('inner', { 'allow-source-range': '198.51.100.0/24' })}
${filtered('wrong', { 'allow-source-range': '198.51.100.0/64' })}
${parted}`);
  await system.kubectl('wait', 'deployment/alpha', '--for=condition=Available', '--timeout=100s');
});
after(async () => {
  await system?.dispose();
});

/** Status and head of a request to one of the hosts. */
async function ask(host: string, ...more: readonly string[]): Promise<string> {
  return askFor('/', host, ...more);
}
async function askFor(path: string, host: string, ...more: readonly string[]): Promise<string> {
  const args = ['-s', '-i', '-H', `Host: ${host}.example`, ...more, `http://127.0.0.1${path}`];
  return (await system.exec('curl', ...args)).stdout;
}
const status = (answer: string): number => Number(answer.split(' ')[1]);
const until = (host: string, expected: number, ...more: readonly string[]): Promise<string> =>
  eventually(`${expected} from ${host}`, async () => {
    const answer = await ask(host, ...more);
    return status(answer) === expected ? answer : undefined;
  });

test('CORS: a browser gets its preflight and its answer', { skip }, async () => {
  const origin = ['-H', 'Origin: https://shop.example'];
  const answer = await until('cors', 200, ...origin);
  assert.match(answer, /access-control-allow-origin: https:\/\/shop\.example/);
  const preflight = await ask('cors', '-X', 'OPTIONS', ...origin, '-H', 'Access-Control-Request-Method: PUT');
  assert.equal(status(preflight), 204);
  assert.match(preflight, /access-control-allow-methods: .*PUT/);
});

test('basic authentication follows its Secret', { skip }, async () => {
  assert.match(await until('users', 401), /www-authenticate: Basic realm="Shop"/);
  await until('users', 200, '-u', 'ann:right');
  assert.equal(status(await ask('users', '-u', 'ann:wrong')), 401);
  await system.kubectl('delete', 'secret', 'users');
  await until('users', 503, '-u', 'ann:right');
});

test('a rate limit lets its burst through', { skip }, async () => {
  assert.match(await until('rate', 429), /retry-after: \d+/);
});

test('a body that is too long gets 413', { skip }, async () => {
  await until('small', 200, '-d', '0123456789');
  assert.equal(status(await ask('small', '-d', '0123456789a')), 413);
});

test('source ranges: others get 403, a mistake closes and is told', { skip }, async () => {
  await until('inner', 403);
  // Only because the flag says that this proxy is to be believed.
  assert.equal(status(await ask('inner', '-H', 'X-Forwarded-For: 198.51.100.7')), 200);
  assert.equal(status(await ask('inner', '-H', 'X-Forwarded-For: 198.51.100.7, 203.0.113.1')), 403);
  await until('wrong', 503);
  const message = await eventually('an event', async () => {
    const events = await system.kubectl(
      'get',
      'events',
      '-o',
      'jsonpath={range .items[*]}{.reason} {.message}{"\\n"}{end}',
    );
    return /InvalidField .*allow-source-range.*/.exec(events)?.[0];
  });
  assert.match(message, /198\.51\.100\.0\/64/);
});

test('heads are edited, and the path', { skip }, async () => {
  const answer = await until('edited', 200);
  assert.match(answer, /x-served: yes/);
  assert.match(answer, /"path":\s*"\/new\/?"/);
  assert.match(answer, /"x-team":\s*"shop"/i);
});

test('one path takes less than its sister, and what nobody has gets a page', { skip }, async () => {
  const body = ['-d', '0123456789a'];
  await eventually(
    '413 for one path',
    async () => status(await askFor('/small', 'parted', ...body)) === 413 || undefined,
  );
  assert.equal(status(await askFor('/large', 'parted', ...body)), 200);
  const page = await eventually('a page', async () => {
    const answer = await askFor('/none', 'parted', '--compressed');
    return answer.includes('<h1>lost</h1>') ? answer : undefined;
  });
  assert.equal(status(page), 404);
  assert.match(page, /content-encoding: gzip/);
});
