import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CronJob, CronJobSpec, Job, Stored } from '@fairlead/api';
import { decideCron } from './decide-cron.ts';

const now = Date.parse('2026-01-01T12:00:30Z');
const meta = (name: string) => ({
  name,
  namespace: 'n',
  uid: name,
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
});
const cronOf = (spec: Partial<CronJobSpec>, lastScheduleTime?: string): Stored<CronJob> => ({
  metadata: meta('c'),
  spec: { schedule: '*/10 * * * *', jobTemplate: {}, ...spec },
  ...(lastScheduleTime === undefined ? {} : { status: { lastScheduleTime } }),
});
const jobOf = (name: string, condition?: 'Complete' | 'Failed', startTime?: string): Stored<Job> => ({
  metadata: meta(name),
  status: {
    ...(startTime === undefined ? {} : { startTime }),
    ...(condition === undefined ? {} : { conditions: [{ type: condition, status: 'True' }] }),
  },
});
const running = jobOf('c-1');
const at = (text: string): number => Date.parse(`2026-01-01T${text}Z`);

const rows: readonly (readonly [string, Stored<CronJob>, readonly Stored<Job>[], number | undefined, string])[] = [
  ['due', cronOf({}, '2026-01-01T11:50:00Z'), [], at('12:00:00'), ''],
  ['not due', cronOf({}, '2026-01-01T12:00:00Z'), [], undefined, ''],
  ['of many missed the last', cronOf({ schedule: '* * * * *' }, '2020-01-01T00:00:00Z'), [], at('12:00:00'), ''],
  [
    'a rare one that was missed',
    cronOf({ schedule: '0 0 1 7 *' }, '2020-01-01T00:00:00Z'),
    [],
    Date.parse('2025-07-01T00:00:00Z'),
    '',
  ],
  ['too late', cronOf({ startingDeadlineSeconds: 20 }, '2026-01-01T11:50:00Z'), [], undefined, 'deadline'],
  ['just in time', cronOf({ startingDeadlineSeconds: 30 }, '2026-01-01T11:50:00Z'), [], at('12:00:00'), ''],
  ['suspended', cronOf({ suspend: true }, '2026-01-01T11:50:00Z'), [], undefined, ''],
  ['beside another', cronOf({}, '2026-01-01T11:50:00Z'), [running], at('12:00:00'), ''],
  [
    'forbidden beside another',
    cronOf({ concurrencyPolicy: 'Forbid' }, '2026-01-01T11:50:00Z'),
    [running],
    undefined,
    'forbidden',
  ],
  ['started before the status was written', cronOf({}, '2026-01-01T11:50:00Z'), [jobOf('c-29454480')], undefined, ''],
  ['in its zone', cronOf({ schedule: '0 13 * * *', timeZone: 'Europe/Berlin' }), [], at('12:00:00'), ''],
];
for (const [name, cron, jobs, expected, skipped] of rows) {
  test(`CronJob: ${name}`, () => {
    const decision = decideCron(cron, jobs, now);
    assert.equal(decision.startFor, expected);
    assert.equal(decision.skipped ?? '', skipped);
    assert.equal(decision.problem, undefined);
  });
}

test('Replace ends what runs', () => {
  const decision = decideCron(cronOf({ concurrencyPolicy: 'Replace' }, '2026-01-01T11:50:00Z'), [running], now);
  assert.deepEqual(decision.replace, [running]);
});

test('the next look is just after the next time', () => {
  assert.equal(decideCron(cronOf({}, '2026-01-01T12:00:00Z'), [], now).againAfterMs, 570_000 + 100);
});

test('history: the oldest beyond the limits', () => {
  const jobs = [1, 2, 3, 4, 5].map((hour) => jobOf(`ok-${hour}`, 'Complete', `2026-01-01T0${hour}:00:00Z`));
  const failed = [1, 2].map((hour) => jobOf(`bad-${hour}`, 'Failed', `2026-01-01T0${hour}:00:00Z`));
  const { forget } = decideCron(cronOf({}), [...jobs.reverse(), ...failed, running], now);
  assert.deepEqual(
    forget.map((job) => job.metadata.name),
    ['ok-1', 'ok-2', 'bad-1'],
  );
});

for (const [name, spec, problem] of [
  ['schedule', { schedule: 'often' }, /unparseable schedule: "often"/],
  ['zone', { timeZone: 'Mars/Base' }, /invalid timeZone: "Mars\/Base"/],
] as const) {
  test(`a wrong ${name} is said`, () => assert.match(decideCron(cronOf(spec), [], now).problem ?? '', problem));
}
