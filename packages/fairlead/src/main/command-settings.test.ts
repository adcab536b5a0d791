import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Command } from 'commander';
import { addSettings, settingValues } from './command-settings.ts';
import type { Setting, SettingValues } from './settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'fairlead-command-'));
const file = join(folder, 'fairlead.yaml');
writeFileSync(file, 'nodes: 2\nimage: [from-file=x]\ndemo: true\n');
after(() => rmSync(folder, { recursive: true }));

const settings: readonly Setting[] = [
  { name: 'nodes', value: 'N', description: '' },
  { name: 'image', value: 'X', description: '', repeatable: true },
  { name: 'demo', description: '' },
];

/** The values that a command line gives, under an environment. */
function read(args: readonly string[], environment: Readonly<Record<string, string>> = {}): SettingValues {
  const before = { ...process.env };
  Object.assign(process.env, environment);
  try {
    const command = addSettings(new Command('up'), settings).exitOverride();
    command.parse(args, { from: 'user' });
    return settingValues(command, settings);
  } finally {
    process.env = before;
  }
}

const rows: readonly [what: string, args: readonly string[], env: Record<string, string>, expected: SettingValues][] = [
  ['nothing', [], {}, {}],
  ['a flag', ['--nodes', '5'], {}, { nodes: '5' }],
  ['a repeated flag', ['--image', 'a=b', '--image', 'c=d'], {}, { image: ['a=b', 'c=d'] }],
  ['a variable', [], { FAIRLEAD_NODES: '4' }, { nodes: '4' }],
  ['a file', ['--config', file], {}, { nodes: '2', image: ['from-file=x'], demo: true }],
  ['a file named by a variable', [], { FAIRLEAD_CONFIG: file }, { nodes: '2', image: ['from-file=x'], demo: true }],
  [
    'variable over file',
    ['--config', file],
    { FAIRLEAD_NODES: '4' },
    { nodes: '4', image: ['from-file=x'], demo: true },
  ],
  [
    'flag over variable and file',
    ['--config', file, '--nodes', '5', '--image', 'a=b'],
    { FAIRLEAD_NODES: '4' },
    { nodes: '5', image: ['a=b'], demo: true },
  ],
];

for (const [what, args, env, expected] of rows) {
  test(`settings from ${what}`, () => assert.deepEqual(read(args, env), expected));
}

test('an unknown flag is refused', () => {
  assert.throws(() => read(['--nodez', '1']), { code: 'commander.unknownOption' });
});
