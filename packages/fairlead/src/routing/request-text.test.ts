import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readLocation, readRequestText } from './request-text.ts';

describe('texts', () => {
  const rows: readonly (readonly [text: string, parts: readonly string[] | undefined])[] = [
    ['', []],
    ['plain', ['plain']],
    ['$host', ['<host>']],
    ['a$host-b', ['a', '<host>', '-b']],
    ['$\x7bscheme}s', ['<scheme>', 's']],
    ['$uri$is_args$args', ['<uri>', '<is_args>', '<args>']],
    ['5$$', ['5$']],
    ['$$host', ['$host']],
    ['$', undefined],
    ['$hostname', undefined],
    ['$Host', undefined],
    ['$http_x_secret', undefined],
    ['$\x7bhost', undefined],
    ['$constructor', undefined],
    ['$1', undefined],
  ];
  for (const [text, parts] of rows) {
    test(JSON.stringify(text), () => {
      const result = readRequestText(text);
      const shown = result.ok
        ? result.value.map((part) => (typeof part === 'string' ? part : `<${part.variable}>`))
        : undefined;
      assert.deepEqual(shown, parts);
    });
  }
});

describe('locations', () => {
  const good = [
    '/login',
    '/',
    '/a$request_uri',
    'https://new.example',
    'https://new.example:8443/a?b=$args',
    'https://new.example$request_uri',
    'http://new.example$\x7buri}',
    '$scheme://$host/login?rd=$escaped_request_uri',
    'https://$host:8443$request_uri',
    'https://$host:$server_port/',
    'https://[2001:db8::1]/x',
    'https://new.example?x=$args',
  ];
  const bad = [
    '',
    'login',
    '//evil.example',
    '/$args',
    '/$request_uri',
    '/\\evil.example',
    'https://$args/',
    'https://new.example$args',
    'https://new.example$host',
    'https://new.example@evil.example/',
    'https://$remote_addr/',
    'https://user@new.example/',
    'javascript:alert(1)',
    'ftp://new.example/',
    '$scheme',
    '$request_uri',
    'https://new.example/ x',
    'https://new.example/\r\nx: y',
    'https:///x',
    'https://new.example$hostile/',
    'https://new.example$uri_x',
  ];
  for (const text of good) test(`${JSON.stringify(text)} is one`, () => assert.equal(readLocation(text).ok, true));
  for (const text of bad) test(`${JSON.stringify(text)} is none`, () => assert.equal(readLocation(text).ok, false));
});
