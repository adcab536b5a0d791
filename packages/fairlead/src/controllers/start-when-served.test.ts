import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResourceRef } from '@fairlead/api';
import { ApiError } from '@fairlead/client';
import type { Controller, ControllerContext } from './controller.ts';
import { startWhenServed } from './start-when-served.ts';

test('a controller starts when the server has what it needs, and is asked for until then', async () => {
  const jobs: ResourceRef<unknown> = { group: 'batch', version: 'v1', kind: 'Job', plural: 'jobs', namespaced: true };
  const controller = (name: string, needs?: ResourceRef<unknown>[]): Controller => ({
    name,
    ...(needs === undefined ? {} : { needs }),
    start: () => ({ stop: async () => {} }),
  });
  const timers: (() => void)[] = [];
  const answers: (() => unknown)[] = [
    () => {
      throw new ApiError(404, 'NotFound', 'no such group');
    },
    () => {
      throw new ApiError(0, 'Unreachable', 'away');
    },
    () => ({ resources: [{ name: 'cronjobs' }] }),
    () => ({ resources: [{ name: 'jobs' }] }),
  ];
  const started: string[] = [];
  let wake: () => void = () => {};
  const context = {
    client: { request: async () => answers.shift()!() },
    clock: {
      after(_delay: number, callback: () => void) {
        timers.push(callback);
        wake();
        return () => {};
      },
    },
    log: () => {},
  } as unknown as ControllerContext;
  const armed = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });
  let next = armed();
  startWhenServed([controller('always'), controller('job', [jobs])], context, ({ name }) => {
    started.push(name);
    if (name === 'job') wake();
  });
  assert.deepEqual(started, ['always']);
  for (let round = 0; round < 3; round++) {
    await next;
    assert.deepEqual(started, ['always']);
    next = armed();
    timers.shift()!();
  }
  await next;
  assert.deepEqual(started, ['always', 'job']);
  assert.equal(answers.length, 0);
});
