import type { Command, Help, Option } from 'commander';
import { variableOf } from './settings.ts';

/** Longest option or command that has its description beside it. */
const TERM_MAX = 26;
/** Columns ahead of a description that stands on lines of its own. */
const OWN_LINE_INDENT = 8;

/** Headings of settings by how their names begin; the first that fits. What none fits has no heading of its own. */
const HEADINGS: readonly (readonly [prefix: RegExp, heading: string])[] = [
  [/^(datastore|etcd-|compact-every)/, 'Storage:'],
  [/^audit-/, 'Audit log:'],
  [/^(corefile|dns-)/, 'DNS:'],
  [/^gateway-/, 'Gateway:'],
];

/** The heading under which `--help` lists a setting; `undefined` for the general ones. */
export function headingOf(setting: string): string | undefined {
  return HEADINGS.find(([prefix]) => prefix.test(setting))?.[1];
}

/** What of one line of help a terminal shows: a term, and beside or below it what it is. */
function formatItem(term: string, termWidth: number, description: string, help: Help): string {
  const width = help.helpWidth ?? 80;
  const beside = Math.min(termWidth, TERM_MAX) + 4;
  if (description === '') return `  ${term}`;
  if (help.displayWidth(term) > beside - 4) {
    return `  ${term}\n${indent(help.boxWrap(description, width - OWN_LINE_INDENT), OWN_LINE_INDENT)}`;
  }
  const lines = indent(help.boxWrap(description, width - beside), beside);
  return `  ${term}${lines.slice(2 + help.displayWidth(term))}`;
}

function indent(text: string, columns: number): string {
  return text
    .split('\n')
    .map((line) => `${' '.repeat(columns)}${line}`)
    .join('\n');
}

/** What an option is, its choices and its default. Its variable is told once for all, by {@link addSettingsNote}. */
function optionDescription({ description, argChoices, defaultValue }: Option): string {
  const choices = (argChoices ?? []).join(', ').replace(/, ([^,]+)$/, ' or $1');
  const hasDefault = defaultValue !== undefined && !Array.isArray(defaultValue);
  return [description, choices, hasDefault ? `(default: ${String(defaultValue)})` : '']
    .filter((part) => part !== '')
    .join(' ');
}

/** Lays out help for narrow terminals; commands that are added later do the same. */
export function layOutHelp(program: Command): Command {
  return program.configureHelp({
    formatItem,
    optionDescription,
  });
}

/** Tells who mistypes a command's options which help to ask for. */
export function pointToHelp(command: Command, path: string): void {
  command.showHelpAfterError(`(see ${path} --help)`);
  for (const below of command.commands) pointToHelp(below, `${path} ${below.name()}`);
}

/** Says below a command's help how its settings are given otherwise, with one of them as the example. */
export function addSettingsNote(command: Command, example: string): Command {
  return command.addHelpText(
    'after',
    `\nEvery option is also a variable (--${example}: ${variableOf(example)})\nand a key of the file of --config (${example}: …).`,
  );
}
