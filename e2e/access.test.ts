import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { after, before, test } from 'node:test';
import { web } from './echo-manifest.ts';
import { eventually, kernelSkip, type Outcome, startSystem, type TestSystem } from './system.ts';

const skip = kernelSkip('kubectl', 'curl');
let system: TestSystem;

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwks = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'a' }] });
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
function token(claims: object): string {
  const text = `${encode({ alg: 'ES256', kid: 'a' })}.${encode(claims)}`;
  const mark = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${text}.${mark.toString('base64url')}`;
}

/** Lets in who has the cookie, and tells the backend who it is. */
const gate = `require("node:http").createServer((q, r) => {
  const user = /user=(\\w+)/.exec(q.headers.cookie || "");
  if (user) r.setHeader("X-User", user[1]); else { r.statusCode = 401; r.setHeader("WWW-Authenticate", "Gate"); }
  r.end();
}).listen(8080)`;

/** Says on its log what it was asked for. */
const shadow = `require("node:http").createServer((q, r) => {
  console.log(q.method, q.url, q.headers.host);
  r.end();
}).listen(8080)`;

/** A Pod that runs a script, and its Service. */
function scripted(name: string, script: string): string {
  return `---
apiVersion: v1
kind: Pod
metadata: { name: ${name}, labels: { app: ${name} } }
spec:
  containers:
  - name: main
    image: local/node
    command: [${JSON.stringify(process.execPath)}, -e, ${JSON.stringify(script)}]
    readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { selector: { app: ${name} }, ports: [{ port: 80, targetPort: 8080 }] }
`;
}

/** An Ingress for one host, with annotations. */
function guarded(name: string, annotations: Readonly<Record<string, string>>, more = ''): string {
  const lines = Object.entries(annotations).map(([key, value]) => `    fairlead.dev/${key}: ${JSON.stringify(value)}`);
  return `---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: ${name}
  annotations:
${lines.join('\n')}
spec:
  ingressClassName: fairlead
  ${more}
  rules:
  - host: ${name}.example
    http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: alpha, port: { number: 80 } } } }] }
`;
}

before(async () => {
  if (skip !== false) return;
  system = await startSystem({
    args: [
      ...['--image', 'local/node=node', '--gateway-trusted-proxies', '127.0.0.1'],
      ...['--gateway-trusted-hops', '2', '--gateway-client-header', 'forwarded'],
    ],
  });
  await system.apply(`${web('alpha', 1)}${scripted('gate', gate)}${scripted('shadow', shadow)}---
apiVersion: v1
kind: Secret
metadata: { name: clients }
stringData: { shop: a-key-that-is-long-enough }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: issuer }
data: { jwks: '${jwks}' }
${guarded('gated', { 'auth-url': 'http://gate/check', 'auth-response-headers': 'X-User', 'auth-signin': '$scheme://$host/login' })}
${guarded('keyed', { 'api-key-secret': 'clients', 'api-key-client-header': 'X-Client' })}
${guarded('token', { 'jwt-keys': 'configmap issuer', 'jwt-issuer': 'me', 'jwt-claims-to-headers': 'sub=X-User' })}
${guarded('copied', { mirror: 'shadow:80' })}
${guarded('secure', {}, 'tls: [{ hosts: [secure.example] }]')}
${guarded('open', { 'ssl-redirect': 'false' }, 'tls: [{ hosts: [open.example] }]')}
${guarded('moved', { 'permanent-redirect': 'https://new.example$request_uri' })}
${guarded('named', { 'from-to-www-redirect': 'true', 'app-root': '/start', 'request-headers': 'set X-Method: $request_method' })}
${guarded('rewritten', { 'rewrite-regex': '/api/(v[0-9]+)/(.*) /$2/$1' })}
${guarded('inner', { 'allow-source-range': '192.0.2.0/24' })}
${guarded('wrong', { 'auth-url': 'https://auth.example.com/', 'permanent-redirect': '//evil' })}
${guarded('lost', { 'auth-url': 'http://nobody/' })}`);
  await system.kubectl('wait', 'pod/gate', 'pod/shadow', '--for=condition=Ready', '--timeout=100s');
  await system.kubectl('wait', 'deployment/alpha', '--for=condition=Available', '--timeout=100s');
});
after(async () => {
  await system?.dispose();
});

/** A request to one of the hosts: the whole answer. */
async function ask(url: string, ...more: readonly string[]): Promise<string> {
  const { hostname, protocol } = new URL(url);
  const port = protocol === 'https:' ? 443 : 80;
  const args = ['-s', '-S', '-i', '-k', '--path-as-is', '--resolve', `${hostname}:${port}:127.0.0.1`, ...more, url];
  const done: Outcome = await system.exec('curl', ...args);
  return done.stdout;
}
const status = (answer: string): number => Number(answer.split(' ')[1]);
const until = (url: string, expected: number, ...more: readonly string[]): Promise<string> =>
  eventually(`${expected} from ${url}`, async () => {
    const answer = await ask(url, ...more);
    return status(answer) === expected ? answer : undefined;
  });

test('forward auth: who the service lets in, as who it says', { skip }, async () => {
  const answer = await until('http://gated.example/', 200, '-H', 'Cookie: user=ann', '-H', 'X-User: root');
  assert.match(answer, /"x-user":\s*"ann"/i);
  assert.doesNotMatch(answer, /root/);
  const refused = await ask('http://gated.example/a?b=c');
  assert.equal(status(refused), 302);
  assert.match(refused, /location: http:\/\/gated\.example\/login\?rd=http%3A%2F%2Fgated\.example%2Fa%3Fb%3Dc\r/);
  await system.kubectl('delete', 'pod', 'gate', '--now');
  await until('http://gated.example/', 503, '-H', 'Cookie: user=ann');
});

test('API keys of a Secret', { skip }, async () => {
  const answer = await until('http://keyed.example/', 200, '-H', 'X-API-Key: a-key-that-is-long-enough');
  assert.match(answer, /"x-client":\s*"shop"/i);
  assert.equal(status(await ask('http://keyed.example/', '-H', 'X-API-Key: another-key-as-long-as-it')), 401);
  assert.equal(status(await ask('http://keyed.example/')), 401);
});

test('tokens, with keys of a ConfigMap', { skip }, async () => {
  const exp = Math.floor(Date.now() / 1000) + 600;
  const good = `Authorization: Bearer ${token({ iss: 'me', sub: 'ann', exp })}`;
  const answer = await until('http://token.example/', 200, '-H', good, '-H', 'X-User: root');
  assert.match(answer, /"x-user":\s*"ann"/i);
  const foreign = `Authorization: Bearer ${token({ iss: 'you', sub: 'ann', exp })}`;
  assert.equal(status(await ask('http://token.example/', '-H', foreign)), 401);
  await system.kubectl('delete', 'configmap', 'issuer');
  await until('http://token.example/', 503, '-H', good);
});

test('a mirror gets a copy', { skip }, async () => {
  await until('http://copied.example/', 200);
  await eventually('a copy', async () => {
    assert.equal(status(await ask('http://copied.example/copy?a', '-X', 'PUT', '-d', 'x')), 200);
    const logs = await system.kubectl('logs', 'pod/shadow');
    return logs.includes('PUT /copy?a copied.example-shadow') ? true : undefined;
  });
});

test('an Ingress with TLS sends clients there, unless it says no', { skip }, async () => {
  const answer = await until('http://secure.example/a?b', 308);
  assert.match(answer, /location: https:\/\/secure\.example\/a\?b\r/);
  assert.equal(status(await ask('https://secure.example/a?b')), 200);
  await until('http://open.example/', 200);
});

test('redirects', { skip }, async () => {
  assert.match(await until('http://moved.example/a?b', 301), /location: https:\/\/new\.example\/a\?b\r/);
  assert.match(await until('http://www.named.example/a', 308), /location: http:\/\/named\.example\/a\r/);
  assert.match(await until('http://named.example/', 302), /location: \/start\r/);
  assert.match(await until('http://named.example/a', 200, '-X', 'PUT'), /"x-method":\s*"PUT"/i);
});

test('paths are rewritten by pattern, and refused where their spelling hides what they are', { skip }, async () => {
  assert.match(await until('http://rewritten.example/api/v2/shop', 200), /"path":\s*"\/shop\/v2"/);
  assert.match(await ask('http://rewritten.example//other/./x/../y'), /"path":\s*"\/other\/y"/);
  assert.equal(status(await ask('http://rewritten.example/a/..;/b')), 400);
});

test('clients are who the second proxy in front says', { skip }, async () => {
  const forwarded = (text: string): string[] => ['-H', `Forwarded: ${text}`];
  const url = 'http://inner.example/';
  const good = forwarded('for=198.51.100.7, for="192.0.2.1:80";proto=https, for=10.0.0.1');
  assert.match(await until(url, 200, ...good), /"x-real-ip":\s*"192\.0\.2\.1"/i);
  assert.equal(status(await ask(url, ...forwarded('for=192.0.2.1'))), 403);
  assert.equal(status(await ask(url, '-H', 'X-Forwarded-For: 192.0.2.1, 10.0.0.1')), 403);
});

test('mistakes close, and are told', { skip }, async () => {
  await until('http://wrong.example/', 503);
  await until('http://lost.example/', 503);
  for (const wanted of [
    /InvalidField .*auth-url.*auth\.example\.com/,
    /InvalidField .*permanent-redirect/,
    /BackendNotFound .*auth-url.*nobody/,
  ]) {
    await eventually(`an event like ${wanted}`, async () => {
      const path = 'jsonpath={range .items[*]}{.reason} {.message}{"\\n"}{end}';
      return wanted.test(await system.kubectl('get', 'events', '-o', path)) ? true : undefined;
    });
  }
});
