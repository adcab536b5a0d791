import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container } from '@fairlead/api';
import { configMapAliases, ECHO_PROGRAM, parseImage, parseImageAlias, resolveImage, splitWords } from './images.ts';

const aliases = [
  { pattern: 'nginx*', command: ['/usr/sbin/nginx', '-g', 'daemon off;'] },
  { pattern: 'redis:7', command: ['redis-server'] },
  { pattern: 'registry.local:5000/team/*', command: ['team'] },
];

for (const [name, container, expected] of [
  ['pattern with a star', { name: 'c', image: 'nginx:1.27' }, ['/usr/sbin/nginx', '-g', 'daemon off;']],
  ['Docker Hub prefix', { name: 'c', image: 'docker.io/library/nginx' }, ['/usr/sbin/nginx', '-g', 'daemon off;']],
  ['exact tag', { name: 'c', image: 'redis:7' }, ['redis-server']],
  ['other tag', { name: 'c', image: 'redis:6' }, undefined],
  ['registry with a port', { name: 'c', image: 'registry.local:5000/team/app:1' }, ['team']],
  ['args follow the alias', { name: 'c', image: 'redis:7', args: ['--port', '1'] }, ['redis-server', '--port', '1']],
  ['command wins', { name: 'c', image: 'redis:7', command: ['sh'], args: ['-c', 'true'] }, ['sh', '-c', 'true']],
  ['command needs no known image', { name: 'c', image: 'whatever', command: ['true'] }, ['true']],
  ['unknown', { name: 'c', image: 'whatever:1' }, undefined],
] as [string, Container, string[] | undefined][]) {
  test(`image: ${name}`, () => {
    const result = resolveImage(container, aliases);
    assert.deepEqual(result.ok ? result.command : undefined, expected);
    if (!result.ok) assert.match(result.message, /--image .*fairlead-images/);
  });
}

test('the echo image runs the built-in program and takes its version from the tag', () => {
  const result = resolveImage({ name: 'c', image: 'fairlead/echo:v2', args: ['--tcp', '9'] }, []);
  assert.ok(result.ok);
  assert.equal(result.echoVersion, 'v2');
  assert.deepEqual(result.command.slice(-3), [ECHO_PROGRAM, '--tcp', '9']);
});

for (const [image, repository, tag] of [
  ['a', 'a', ''],
  ['a:1', 'a', '1'],
  ['h:5000/a', 'h:5000/a', ''],
  ['h:5000/a:1', 'h:5000/a', '1'],
  ['a@sha256:00', 'a', ''],
  ['a:1@sha256:00', 'a', '1'],
] as const) {
  test(`image reference ${image}`, () => assert.deepEqual(parseImage(image), { repository, tag }));
}

for (const [text, words] of [
  ['a b  c', ['a', 'b', 'c']],
  [`nginx -g "daemon off;"`, ['nginx', '-g', 'daemon off;']],
  [`a 'b "c"' ""`, ['a', 'b "c"', '']],
  [String.raw`a\ b "c\"d"`, ['a b', 'c"d']],
  ['', []],
] as const) {
  test(`command line ${JSON.stringify(text)}`, () => assert.deepEqual(splitWords(text), words));
}

test('alias texts: option form, ConfigMap form, mistakes', () => {
  assert.deepEqual(parseImageAlias('a*=b c'), { pattern: 'a*', command: ['b', 'c'] });
  assert.ok('error' in parseImageAlias('=b'));
  assert.ok('error' in parseImageAlias('a='));
  assert.deepEqual(configMapAliases({ x: '# note\na=b\n\nbroken\nc=d e' }), [
    { pattern: 'a', command: ['b'] },
    { pattern: 'c', command: ['d', 'e'] },
  ]);
});
