import { type Command, Option } from 'commander';
import { addSettingsNote, headingOf } from './help-layout.ts';
import { ConfigurationError, readConfigurationFile, type Setting, type SettingValues, variableOf } from './settings.ts';

const configSetting: Setting = { name: 'config', value: 'FILE', description: 'YAML file with any of these settings' };

function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Adds settings to a command as flags with environment variables, and `--config`. */
export function addSettings(command: Command, settings: readonly Setting[]): Command {
  for (const setting of [...settings, configSetting]) {
    const flag = setting.value === undefined ? `--${setting.name}` : `--${setting.name} <${setting.value}>`;
    const option = new Option(flag, setting.description).env(variableOf(setting.name));
    const heading = headingOf(setting.name);
    if (heading !== undefined) option.helpGroup(heading);
    if (setting.internal === true) option.hideHelp();
    if (setting.repeatable === true) {
      option.argParser((value: string, previous: readonly string[] | undefined) => [...(previous ?? []), value]);
    }
    command.addOption(option);
  }
  return addSettingsNote(command, settings[0]?.name ?? configSetting.name);
}

/**
 * The values of a command's settings: flag over variable over configuration file.
 * @throws ConfigurationError when the configuration file is wrong.
 */
export function settingValues(command: Command, settings: readonly Setting[]): SettingValues {
  const given = command.opts<Record<string, string | readonly string[] | boolean | undefined>>();
  const file = given.config;
  const fromFile = typeof file === 'string' ? readConfigurationFile(file, settings) : {};
  const values: Record<string, string | readonly string[] | boolean | undefined> = { ...fromFile };
  for (const setting of settings) {
    const value = given[camelCase(setting.name)];
    if (value !== undefined) values[setting.name] = value;
  }
  return values;
}

/** Prints every configuration problem on a line of its own; the exit status is 1. */
export function reportConfigurationError(error: ConfigurationError): number {
  for (const problem of error.problems) process.stderr.write(`fairlead: ${problem}\n`);
  return 1;
}

export { ConfigurationError };
