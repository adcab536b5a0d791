import { type Command, Option } from 'commander';
import type { Datastore, StorageSurroundings } from '../../apiserver/storage/open-storage.ts';
import { addSettings, settingValues } from '../../main/command-settings.ts';
import { etcdSettings, parseDatastore, readDatastore } from '../../main/datastore-settings.ts';
import { type Setting, SettingReader } from '../../main/settings.ts';
import { systemClock, systemRandom } from '../../sys/clock.ts';
import type { CommandSurroundings } from '../client-commands.ts';

const dataDirSetting: Setting = { name: 'data-dir', value: 'DIR', description: 'where the default store is' };
const storeSetting: Setting = {
  name: 'datastore',
  value: 'URL',
  description: 'sqlite:FILE or etcd://HOST:PORT[,HOST:PORT…]',
};
const overwriteSetting: Setting = { name: 'overwrite', description: 'replace what the target holds' };
/** An etcd that does not answer within this time is not waited for. */
const waitForStoreMs = 20_000;

/** Adds `backup | restore | migrate` to the command `datastore`. */
export function addDatastoreCommands(group: Command, host: CommandSurroundings, status: { code: number }): void {
  const run = async (action: (surroundings: StorageSurroundings) => Promise<void>): Promise<void> => {
    const giveUp = new AbortController();
    const cancel = systemClock.after(waitForStoreMs, () => giveUp.abort());
    try {
      await action({
        clock: systemClock,
        random: systemRandom,
        log: (level, message, fields) => {
          if (level !== 'debug')
            host.printError(`${message}${fields?.error === undefined ? '' : `: ${String(fields.error)}`}`);
        },
        signal: giveUp.signal,
      });
    } catch (error) {
      host.printError(`error: ${(error as Error).message}`);
      status.code = 1;
    } finally {
      cancel();
    }
  };

  const backupSettings = [storeSetting, ...etcdSettings()];
  const backup = group.command('backup <FILE>').description('write all objects at one revision to a file');
  backup.addOption(
    new Option('--kubeconfig <FILE>', 'ask this API server (default: of `fairlead up`)').env('KUBECONFIG'),
  );
  addSettings(backup, backupSettings).action(async (file: string, flags: { readonly kubeconfig?: string }) => {
    const reader = new SettingReader(settingValues(backup, backupSettings));
    const url = reader.text('datastore');
    const source = url === undefined ? undefined : parseDatastore(reader, '--datastore', url);
    reader.finish();
    await run(async (surroundings) => {
      const { backupFromServer, backupFromStore } = await import('./copy-store.ts');
      if (source !== undefined) return backupFromStore(source, file, surroundings, host.print);
      const { connect, loadKubeconfig } = await import('@fairlead/client');
      const client = connect(loadKubeconfig(flags.kubeconfig ?? host.defaultKubeconfig), surroundings);
      try {
        await backupFromServer(client, file, host.print);
      } finally {
        await client.close();
      }
    });
  });

  const restoreSettings = [dataDirSetting, storeSetting, ...etcdSettings(), overwriteSetting];
  const restore = group
    .command('restore <FILE>')
    .description('fill a store from a backup; its API servers must be stopped');
  addSettings(restore, restoreSettings).action(async (file: string) => {
    const reader = new SettingReader(settingValues(restore, restoreSettings));
    const target: Datastore = readDatastore(reader, reader.text('data-dir') ?? host.defaultDataDir);
    const overwrite = reader.switched('overwrite');
    reader.finish();
    await run(async (surroundings) => {
      const { restoreStore } = await import('./copy-store.ts');
      await restoreStore(file, target, overwrite, surroundings, host.print);
    });
  });

  const migrateSettings = [...etcdSettings(), overwriteSetting];
  const migrate = group
    .command('migrate <FROM> <TO>')
    .description('copy all objects from one store (sqlite:FILE, etcd://…) to another; API servers must be stopped');
  addSettings(migrate, migrateSettings).action(async (from: string, to: string) => {
    const reader = new SettingReader(settingValues(migrate, migrateSettings));
    const source = parseDatastore(reader, 'FROM', from);
    const target = parseDatastore(reader, 'TO', to);
    const overwrite = reader.switched('overwrite');
    reader.finish();
    await run(async (surroundings) => {
      const { migrateStore } = await import('./copy-store.ts');
      await migrateStore(source, target, overwrite, surroundings, host.print);
    });
  });
}
