import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  assemble,
  type BpfLine,
  callFunction,
  compute,
  jump,
  jumpIf,
  label,
  leaveProgram,
  load,
  mapAddress,
  networkOrder,
  store,
} from './bpf-assembler.ts';

/** Encodings after RFC 9669; the bytes of one instruction: opcode, registers, offset, immediate. */
const rows: readonly [name: string, line: BpfLine, bytes: string][] = [
  ['move a number', compute('move', 'r0', 2), 'b700000002000000'],
  ['move a negative number', compute('move', 'r0', -1), 'b7000000ffffffff'],
  ['move a register', compute('move', 'r6', 'r1'), 'bf16000000000000'],
  ['add', compute('add', 'r2', -8), '07020000f8ffffff'],
  ['subtract a register', compute('subtract', 'r9', 'r3'), '1f39000000000000'],
  ['and', compute('and', 'r1', 0xffff), '57010000ffff0000'],
  ['or', compute('or', 'r4', 1), '4704000001000000'],
  ['xor', compute('xor', 'r1', 0xffff), 'a7010000ffff0000'],
  ['shift left', compute('shiftLeft', 'r1', 2), '6701000002000000'],
  ['shift right', compute('shiftRight', 'r2', 16), '7702000010000000'],
  ['16 bits in the order of the network', networkOrder('r9', 16), 'dc09000010000000'],
  ['load a byte', load('byte', 'r1', 'r10', -40), '71a1d8ff00000000'],
  ['load 16 bits', load('half', 'r1', 'r10', -40), '69a1d8ff00000000'],
  ['load 32 bits', load('word', 'r3', 'r6', 40), '6163280000000000'],
  ['load 64 bits', load('double', 'r3', 'r7', 8), '7973080000000000'],
  ['store a number', store('byte', 'r10', -8, 0x45), '720af8ff45000000'],
  ['store a register', store('word', 'r10', -16, 'r1'), '631af0ff00000000'],
  ['store 64 bits of zero', store('double', 'r10', -8, 0), '7a0af8ff00000000'],
  ['call', callFunction(50), '8500000032000000'],
  ['leave', leaveProgram(), '9500000000000000'],
];
for (const [name, line, bytes] of rows) {
  test(`assembles: ${name}`, () => assert.equal(assemble([line]).toString('hex'), bytes));
}

test('jumps count instructions from the next one; an address counts as two', () => {
  const lines = [
    label('again'),
    mapAddress('r1', 'nodes'),
    jumpIf('equal', 'r0', 0, 'end'),
    jumpIf('less', 'r0', 'r2', 'again'),
    jump('end'),
    leaveProgram(),
    label('end'),
    leaveProgram(),
  ];
  const words = assemble(lines, new Map([['nodes', 7]]))
    .toString('hex')
    .match(/.{16}/g);
  assert.deepEqual(words, [
    '1811000007000000',
    '0000000000000000',
    '1500030000000000',
    'ad20fcff00000000',
    '0500010000000000',
    '9500000000000000',
    '9500000000000000',
  ]);
});

test('names that nobody has given, or twice', () => {
  assert.throws(() => assemble([jump('nowhere')]), /no label nowhere/);
  assert.throws(() => assemble([mapAddress('r1', 'nothing')]), /no map nothing/);
  assert.throws(() => assemble([label('a'), label('a')]), /label a twice/);
});
