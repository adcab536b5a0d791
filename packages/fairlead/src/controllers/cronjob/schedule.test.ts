import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextTime, parseSchedule } from './schedule.ts';

const rows: readonly (readonly [string, string, string, string, string | undefined])[] = [
  ['every minute', '* * * * *', '2026-01-01T00:00:30Z', 'UTC', '2026-01-01T00:01:00Z'],
  ['never the same minute again', '0 0 * * *', '2026-01-01T00:00:00Z', 'UTC', '2026-01-02T00:00:00Z'],
  ['steps', '*/20 8-10/2 * * *', '2026-01-01T08:41:00Z', 'UTC', '2026-01-01T10:00:00Z'],
  ['a step from a start', '5/30 * * * *', '2026-01-01T00:06:00Z', 'UTC', '2026-01-01T00:35:00Z'],
  ['names', '0 12 * feb mon', '2026-01-01T00:00:00Z', 'UTC', '2026-02-02T12:00:00Z'],
  ['either day', '0 0 13 * 5', '2026-01-03T00:00:00Z', 'UTC', '2026-01-09T00:00:00Z'],
  ['a star with a step restricts nothing', '0 0 13 * */2', '2026-01-01T00:00:00Z', 'UTC', '2026-01-13T00:00:00Z'],
  ['leap day', '0 0 29 2 *', '2026-01-01T00:00:00Z', 'UTC', '2028-02-29T00:00:00Z'],
  ['never', '0 0 30 2 *', '2026-01-01T00:00:00Z', 'UTC', undefined],
  ['shortcut', '@weekly', '2026-01-01T00:00:00Z', 'UTC', '2026-01-04T00:00:00Z'],
  ['a zone', '30 9 * * *', '2026-07-01T00:00:00Z', 'Asia/Kolkata', '2026-07-01T04:00:00Z'],
  ['summer time', '0 9 * * *', '2026-07-01T00:00:00Z', 'Europe/Berlin', '2026-07-01T07:00:00Z'],
  ['left out in spring', '30 2 * * *', '2026-03-28T12:00:00Z', 'Europe/Berlin', '2026-03-30T00:30:00Z'],
  ['shown twice in autumn', '30 2 * * *', '2026-10-25T00:30:00Z', 'Europe/Berlin', '2026-10-26T01:30:00Z'],
];
for (const [name, text, after, zone, expected] of rows) {
  test(`schedule: ${name}`, () => {
    const parsed = parseSchedule(text);
    assert.ok(parsed.ok, parsed.ok ? '' : parsed.message);
    const next = nextTime(parsed.schedule, Date.parse(after), zone);
    assert.equal(next === undefined ? undefined : new Date(next).toISOString().replace('.000', ''), expected);
  });
}

for (const text of [
  '* * * *',
  '60 * * * *',
  '* * 0 * *',
  '5-3 * * * *',
  '*/0 * * * *',
  'x * * * *',
  '1/2/3 * * * *',
  '1-2-3 * * * *',
]) {
  test(`refused: ${text}`, () => assert.equal(parseSchedule(text).ok, false));
}
