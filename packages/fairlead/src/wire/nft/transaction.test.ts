import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nftTableBody } from './table.ts';
import { NftTransaction } from './transaction.ts';

test('operations come out in an order that nft accepts, whatever the order they came in', () => {
  const transaction = new NftTransaction('ip', 't');
  transaction.deleteChain('old');
  transaction.flushChain('older');
  transaction.addElement('m', '1', 'goto c');
  transaction.addElement('s', 'a', '');
  transaction.deleteElement('m', '1');
  transaction.setChain('c', ['drop']);
  assert.deepEqual(transaction.text().split('\n'), [
    'add chain ip t c',
    'flush chain ip t c',
    'add rule ip t c drop',
    'delete element ip t m { 1 }',
    'add element ip t m { 1 : goto c }',
    'add element ip t s { a }',
    'delete chain ip t old',
    'flush chain ip t older',
    '',
  ]);
  assert.deepEqual(transaction.count, { addedElements: 2, deletedElements: 1, chainOperations: 4 });
});

test('elements are batched', () => {
  const transaction = new NftTransaction('ip6', 't');
  for (let n = 0; n < 2500; n++) transaction.addElement('m', `${n}`, 'x');
  const lines = transaction.text().trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => line.split(' : ').length - 1),
    [1000, 1000, 500],
  );
});

test('nothing to do is empty text', () => {
  const transaction = new NftTransaction('ip', 't');
  assert.equal(transaction.isEmpty, true);
  assert.equal(transaction.text(), '');
});

test('a table is replaced whether or not it exists', () => {
  const transaction = new NftTransaction('ip', 't');
  transaction.replaceTable(
    nftTableBody({
      sets: [{ kind: 'map', name: 'm', type: 'type mark : mark', flags: ['timeout', 'dynamic'], size: 5 }],
      chains: [{ name: 'c', hook: 'type filter hook input priority 0', rules: ['accept'] }],
    }),
  );
  assert.equal(
    transaction.text(),
    `add table ip t
delete table ip t
table ip t {
  map m {
    type mark : mark;
    flags timeout,dynamic;
    size 5;
  }
  chain c {
    type filter hook input priority 0;
    accept
  }
}
`,
  );
});
