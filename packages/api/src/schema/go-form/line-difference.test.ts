import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { lineDifference } from './line-difference.ts';

const rows: readonly [string, string, string, string][] = [
  ['nothing', 'a\nb', 'a\nb', ''],
  ['one line', 'a', 'b', '@@ -1 +1 @@\n-a\n+b\n'],
  ['a line more', 'a\nb', 'a\nx\nb', '@@ -1,2 +1,3 @@\n a\n+x\n b\n'],
  [
    'three lines around',
    '1\n2\n3\n4\n5\n6\n7\n8',
    '1\n2\n3\n4\nx\n6\n7\n8',
    '@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n',
  ],
  [
    'changes seven lines apart are two hunks',
    'a\n1\n2\n3\n4\n5\n6\n7\nb',
    'x\n1\n2\n3\n4\n5\n6\n7\ny',
    '@@ -1,4 +1,4 @@\n-a\n+x\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+y\n',
  ],
  [
    'changes six lines apart are one',
    'a\n1\n2\n3\n4\n5\n6\nb',
    'x\n1\n2\n3\n4\n5\n6\ny',
    '@@ -1,8 +1,8 @@\n-a\n+x\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+y\n',
  ],
  ['the longest run counts, not the first', 'a\nb', 'a\nc\na\nb', '@@ -1,2 +1,4 @@\n+a\n+c\n a\n b\n'],
];
for (const [name, before, after, expected] of rows) {
  test(`difference: ${name}`, () => assert.equal(lineDifference(before, after), expected));
}

test('hunks turn the old text into the new one, also where most lines are alike', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd', '{', '}'), { minLength: 1, maxLength: 260 });
  fc.assert(
    fc.property(
      text,
      fc.array(fc.tuple(fc.nat(259), fc.constantFrom('x', 'a', '')), { maxLength: 6 }),
      (lines, edits) => {
        const after = lines.flatMap((line, index) => {
          const edit = edits.find(([place]) => place === index);
          if (edit === undefined) return [line];
          return edit[1] === '' ? [] : [line, edit[1]];
        });
        if (after.length === 0) return;
        assert.equal(applied(lines, lineDifference(lines.join('\n'), after.join('\n'))), after.join('\n'));
      },
    ),
  );
});

/** What the hunks make of the lines; every line they show of the old text must be there. */
function applied(before: readonly string[], difference: string): string {
  const result: string[] = [];
  let place = 0;
  for (const line of difference.split('\n').slice(0, -1)) {
    const head = /^@@ -(\d+)(?:,(\d+))? /.exec(line);
    if (head !== null) {
      const from = Number(head[1]) - (head[2] === '0' ? 0 : 1);
      result.push(...before.slice(place, from));
      place = from;
      continue;
    }
    if (line[0] !== '+') assert.equal(line.slice(1), before[place++]);
    if (line[0] !== '-') result.push(line.slice(1));
  }
  return [...result, ...before.slice(place)].join('\n');
}
