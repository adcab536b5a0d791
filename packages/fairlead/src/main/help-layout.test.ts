import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command, Option } from 'commander';
import { addSettings } from './command-settings.ts';
import { layOutHelp, pointToHelp } from './help-layout.ts';
import type { Setting } from './settings.ts';

const WIDTH = 80;

const roles: readonly (readonly [string, readonly Setting[]])[] = [
  ['up', (await import('./commands/up.ts')).settings],
  ['apiserver', (await import('./commands/apiserver.ts')).command.settings],
  ['controllers', (await import('./commands/controllers.ts')).command.settings],
  ['agent', (await import('./commands/agent.ts')).command.settings],
  ['gateway', (await import('./commands/gateway.ts')).command.settings],
];

/** What `fairlead NAME --help` prints in a terminal of {@link WIDTH} columns. */
function helpOf(name: string, settings: readonly Setting[]): string {
  const printed: string[] = [];
  const command = layOutHelp(new Command('fairlead')).command(name);
  command.configureOutput({ writeOut: (text) => printed.push(text), getOutHelpWidth: () => WIDTH });
  addSettings(command, settings).outputHelp();
  return printed.join('');
}

for (const [name, settings] of roles) {
  test(`${name} --help has every setting, in lines of a terminal`, () => {
    const lines = helpOf(name, settings).split('\n');
    for (const setting of settings) {
      const isListed = lines.some((line) => line.trimStart().split(' ')[0] === `--${setting.name}`);
      assert.equal(isListed, setting.internal !== true, setting.name);
    }
    const long = lines.filter((line) => line.length > WIDTH);
    assert.deepEqual(long, []);
  });
}

test('a long option has its description below, a short one beside, and the variables are named once', () => {
  const settings: readonly Setting[] = [
    { name: 'short', value: 'N', description: 'a b' },
    { name: 'gateway-much-longer-than-the-others', value: 'ADDR', description: 'word '.repeat(20).trim() },
  ];
  assert.equal(
    helpOf('x', settings),
    `Usage: fairlead x [options]

Options:
  --short <N>                 a b
  --config <FILE>             YAML file with any of these settings
  -h, --help                  display help for command

Gateway:
  --gateway-much-longer-than-the-others <ADDR>
        ${'word '.repeat(14).trim()}
        ${'word '.repeat(6).trim()}

Every option is also a variable (--short: FAIRLEAD_SHORT)
and a key of the file of --config (short: …).
`,
  );
});

test('who mistypes an option is told the help of its command', () => {
  const errors: string[] = [];
  const program = layOutHelp(new Command('fairlead')).exitOverride();
  program.configureOutput({ writeErr: (text) => errors.push(text) });
  program.command('datastore').command('backup <FILE>');
  pointToHelp(program, 'fairlead');
  assert.throws(() => program.parse(['datastore', 'backup'], { from: 'user' }));
  assert.equal(errors.join(''), "error: missing required argument 'FILE'\n(see fairlead datastore backup --help)\n");
});

test('an option says its choices and its default', () => {
  const command = layOutHelp(new Command('x'));
  command.addOption(new Option('-o, --output <FORMAT>').choices(['wide', 'yaml', 'json']));
  command.addOption(new Option('--form <FORM>', 'form:').choices(['json']).default('json'));
  const lines = command.helpInformation().split('\n');
  assert.ok(lines.includes('  -o, --output <FORMAT>  wide, yaml or json'), lines.join('\n'));
  assert.ok(lines.includes('  --form <FORM>          form: json (default: json)'), lines.join('\n'));
});
