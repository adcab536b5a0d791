import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NAMED_LOG_FORMATS } from '../gateway/access-log/log-format.ts';
import { gatewayLogArgs, readGatewayLog } from './gateway-log-settings.ts';
import { SettingReader, type SettingValues } from './settings.ts';

const on = { 'gateway-access-log': 'stdout' };
const json = { target: 'stdout', rules: { format: NAMED_LOG_FORMATS.json, statuses: [], share: 1 } };
const rows: readonly (readonly [
  name: string,
  values: SettingValues,
  options: unknown,
  problems?: readonly RegExp[],
])[] = [
  ['nothing', {}, undefined],
  ['off', { 'gateway-access-log': 'off' }, undefined],
  ['stdout', on, json],
  ['a file', { 'gateway-access-log': '/var/log/a.log' }, { ...json, target: '/var/log/a.log' }],
  [
    'a format by name',
    { ...on, 'gateway-access-log-format': 'combined' },
    { ...json, rules: { ...json.rules, format: NAMED_LOG_FORMATS.combined } },
  ],
  [
    'a template',
    { ...on, 'gateway-access-log-format': '$status %DURATION%' },
    { ...json, rules: { ...json.rules, format: { type: 'template', text: '$status %DURATION%' } } },
  ],
  [
    'fields',
    { ...on, 'gateway-access-log-fields': 'status, header.Via' },
    { ...json, rules: { ...json.rules, format: { type: 'json', fields: ['status', 'header.Via'] } } },
  ],
  [
    'statuses',
    { ...on, 'gateway-access-log-status': '0, 404,500-599' },
    {
      ...json,
      rules: {
        ...json.rules,
        statuses: [
          [0, 0],
          [404, 404],
          [500, 599],
        ],
      },
    },
  ],
  ['a share', { ...on, 'gateway-access-log-sample': '12.5%' }, { ...json, rules: { ...json.rules, share: 0.125 } }],
  ['a format without a log', { 'gateway-access-log-format': 'json' }, undefined, [/no effect/]],
  ['a word', { ...on, 'gateway-access-log-format': 'jsno' }, undefined, [/jsno: is none of json/]],
  [
    'fields of a template',
    { ...on, 'gateway-access-log-format': 'combined', 'gateway-access-log-fields': 'status' },
    undefined,
    [/JSON/],
  ],
  [
    'everything wrong at once',
    {
      ...on,
      'gateway-access-log-format': '$nope %NEVER%',
      'gateway-access-log-status': '600, 5xx, 500-400',
      'gateway-access-log-sample': '0%',
    },
    undefined,
    [/\$nope/, /%NEVER%/, /600/, /5xx/, /500-400/, /0%/],
  ],
];

describe('settings of the access log', () => {
  for (const [name, values, options, problems = []] of rows) {
    test(name, () => {
      const reader = new SettingReader(values);
      const read = readGatewayLog(reader);
      assert.equal(reader.problems.length, problems.length, reader.problems.join('\n'));
      for (const [at, problem] of problems.entries()) assert.match(reader.problems[at]!, problem);
      if (problems.length > 0) return;
      assert.deepEqual(read, options);
      // What the gateway's process gets means the same.
      const args = gatewayLogArgs(new SettingReader(values));
      assert.equal(args.length, 2 * Object.keys(values).length);
    });
  }
});
