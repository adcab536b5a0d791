import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReplayBuffer, ReplayPieces } from './replay-buffer.ts';

const HEAD = Buffer.from('GET / HTTP/1.1\r\n\r\n');

test('memory of a request that is over serves the next one, of any connection; large memory is let go', () => {
  const pieces = new ReplayPieces();
  const [first, second] = [new ReplayBuffer(pieces), new ReplayBuffer(pieces)];
  first.start(HEAD, HEAD.length, 64 * 1024, false);
  const memory = first.bytes().buffer;
  first.shrink();
  assert.equal(first.bytes().length, 0);
  second.start(HEAD, HEAD.length, 64 * 1024, false);
  assert.equal(second.bytes().buffer, memory);
  first.start(HEAD, HEAD.length, 64 * 1024, false);
  assert.notEqual(first.bytes().buffer, memory, 'two requests under way share nothing');

  const body = Buffer.alloc(5000, 'b');
  second.append(body, 0, body.length);
  assert.equal(Buffer.from(second.bytes()).toString(), HEAD.toString() + body.toString());
  const large = second.bytes().buffer;
  second.shrink();
  second.start(HEAD, HEAD.length, 64 * 1024, false);
  assert.equal(second.bytes().buffer, memory, 'the piece that grew too small came back when it did');
  assert.notEqual(second.bytes().buffer, large);
});

test('a request beyond the limit is not kept, and its memory goes back', () => {
  const pieces = new ReplayPieces();
  const buffer = new ReplayBuffer(pieces);
  buffer.start(HEAD, HEAD.length, 100, false);
  const memory = buffer.bytes().buffer;
  buffer.append(Buffer.alloc(100), 0, 100);
  assert.equal(buffer.isComplete, false);
  assert.equal(pieces.take().buffer, memory);
});
