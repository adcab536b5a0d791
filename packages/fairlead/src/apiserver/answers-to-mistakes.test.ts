import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { ApiError } from '@fairlead/client';
import type { InProcessClient } from './client/in-process-client.ts';
import { startTestServer, type TestServer } from './testing/test-server.ts';

type Row = readonly [path: string, want: readonly string[], value?: unknown];

/** An object, and what was wrong with it. */
interface Recorded {
  readonly name: string;
  readonly url: string;
  readonly object: object;
  readonly rows: Row[];
}

/**
 * What a Kubernetes 1.34.4 server answered to objects with one thing wrong, recorded with dry runs. A line is an object,
 * or one change of the last object: the path of a value in it, the causes (or the one message) of the answer, and the
 * value; without one it is left out. `a…` stands for 300 times that letter.
 */
function recordedAnswers(): Recorded[] {
  const files = ['answers-to-mistakes.jsonl', 'answers-to-mistakes-of-pods.jsonl'];
  const texts = files.map((name) => readFileSync(new URL(`./testing/${name}`, import.meta.url), 'utf8').trim());
  const all: Recorded[] = [];
  for (const line of texts.join('\n').split('\n')) {
    const value = JSON.parse(line) as Row | Omit<Recorded, 'rows'>;
    if (Array.isArray(value)) all.at(-1)!.rows.push(value as unknown as Row);
    else all.push({ ...(value as Omit<Recorded, 'rows'>), rows: [] });
  }
  return all;
}

const long = 'a'.repeat(300);

function changed(object: object, row: Row): object {
  const copy = structuredClone(object);
  const steps = row[0].split('/').map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  let holder = copy as Record<string, never>;
  for (const step of steps.slice(0, -1)) holder = holder[step]!;
  const last = steps.at(-1)!;
  if (row.length === 3) holder[last] = (row[2] === 'a…' ? long : row[2]) as never;
  else if (Array.isArray(holder)) holder.splice(Number(last), 1);
  else delete holder[last];
  return copy;
}

describe('mistakes, as a Kubernetes server answers them', () => {
  let server: TestServer;
  let client: InProcessClient;

  before(async () => {
    server = await startTestServer();
    client = server.client();
    const account = { metadata: { name: 'default' } };
    await client.request('POST', '/api/v1/namespaces/default/serviceaccounts', account).catch(() => {});
  });
  after(async () => {
    await server.stop();
  });

  for (const { name, url, object, rows } of recordedAnswers()) {
    test(`${name}: ${rows.length} of them`, async () => {
      for (const row of rows) {
        const strict = row[0].endsWith('zzUnknown') ? '&fieldValidation=Strict' : '';
        const found = await answer(`${url}?dryRun=All${strict}`, changed(object, row));
        assert.deepEqual(found, row[1], `${row[0]} = ${JSON.stringify(row[2])}`);
      }
    });
  }

  /** Causes, or the message of an answer. */
  async function answer(path: string, body: object): Promise<string[]> {
    const brief = (text: string): string => text.replace(/a{250,}/g, 'a…');
    try {
      await client.request('POST', path, body);
      return ['accepted'];
    } catch (error) {
      assert.ok(error instanceof ApiError, String(error));
      const { message = '', details } = error.status as {
        message?: string;
        details?: { causes?: { field?: string; message: string }[] };
      };
      return details?.causes?.map(({ field, message: text }) => brief(`${field}: ${text}`)) ?? [brief(message)];
    }
  }
});
