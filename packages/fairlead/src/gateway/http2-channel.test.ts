import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection, TurnTask } from '../reactor/reactor.ts';
import type { PinnedBuffer } from '../sys/pinned.ts';
import { Http2Channel } from './http2-channel.ts';
import { Http2Shared } from './http2-shared.ts';
import type { ProxyCore } from './proxy-core.ts';

/** A connection that notes what each call gave it. */
function noteWrites(writes: string[]): Connection {
  return {
    write: (from: PinnedBuffer, start: number, end: number) => writes.push(from.bytes.toString('latin1', start, end)),
    writeBytes: (bytes: Uint8Array) => writes.push(Buffer.from(bytes).toString('latin1')),
  } as unknown as Connection;
}

/** A channel whose turns end when the test says so, and what its connection was given in each call. */
function openChannel(): { channel: Http2Channel; writes: string[]; tasks: TurnTask[]; endTurn: () => void } {
  const tasks: TurnTask[] = [];
  const writes: string[] = [];
  const core = { reactor: { atTurnEnd: (task: TurnTask) => tasks.push(task) } } as unknown as ProxyCore;
  const channel = new Http2Channel(core, new Http2Shared());
  channel.connection = noteWrites(writes);
  const endTurn = (): void => {
    for (const task of tasks.splice(0)) task.onTurnEnd();
  };
  return { channel, writes, tasks, endTurn };
}

function put({ out }: Http2Channel, text: string): void {
  out.reserve(text.length);
  out.bytes.set(Buffer.from(text, 'latin1'), out.length);
  out.length += text.length;
}

test('frames of one turn leave in one piece, at its end', () => {
  const { channel, writes, tasks, endTurn } = openChannel();
  for (const text of ['head ', 'content ', 'trailers']) {
    put(channel, text);
    channel.flush();
  }
  assert.deepEqual([writes, tasks.length], [[], 1]);
  endTurn();
  assert.deepEqual(writes, ['head content trailers']);
  put(channel, 'next');
  channel.flush();
  endTurn();
  assert.deepEqual(writes, ['head content trailers', 'next']);
});

test('many frames do not wait for the end of the turn', () => {
  const { channel, writes, endTurn } = openChannel();
  put(channel, 'x'.repeat(9000));
  channel.flush();
  assert.deepEqual(
    writes.map(({ length }) => length),
    [9000],
  );
  endTurn();
  assert.equal(writes.length, 1);
});

test('what is sent before a connection closes is not sent again', () => {
  const { channel, writes, endTurn } = openChannel();
  put(channel, 'goaway');
  channel.flush();
  channel.send();
  endTurn();
  assert.deepEqual(writes, ['goaway']);
});

test('more connections than there is lent memory for keep their frames apart', () => {
  const shared = new Http2Shared();
  const tasks: TurnTask[] = [];
  const core = { reactor: { atTurnEnd: (task: TurnTask) => tasks.push(task) } } as unknown as ProxyCore;
  const sent: string[] = [];
  for (let index = 0; index < 100; index++) {
    const channel = new Http2Channel(core, shared);
    channel.connection = noteWrites(sent);
    put(channel, `frame ${index}`);
    channel.flush();
  }
  for (const task of tasks) task.onTurnEnd();
  assert.deepEqual(
    sent,
    Array.from({ length: 100 }, (_, index) => `frame ${index}`),
  );
});

for (const length of [9_000, 300_000]) {
  test(`a connection that drains while ${length} bytes are written gets nothing twice`, () => {
    const { channel, writes, endTurn } = openChannel();
    const noted = noteWrites(writes);
    let drains = 1;
    /** As a connection does whose queue the kernel takes at once: its owner goes on, and flushes. */
    const drain = (): void => {
      if (drains-- <= 0) return;
      put(channel, 'window update');
      channel.flush();
    };
    channel.connection = {
      write: (from: PinnedBuffer, start: number, end: number) => {
        noted.write(from, start, end);
        drain();
      },
      writeBytes: (bytes: Uint8Array) => {
        noted.writeBytes(bytes);
        drain();
      },
    } as unknown as Connection;
    const text = 'x'.repeat(length);
    put(channel, text);
    channel.flush();
    endTurn();
    assert.deepEqual(writes, [text, 'window update']);
    put(channel, 'next');
    channel.flush();
    endTurn();
    assert.deepEqual(writes, [text, 'window update', 'next']);
  });
}
