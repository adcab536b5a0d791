import { apiAccessSettings, readApiAccess } from './api-access-settings.ts';
import { clusterSettings, type Machine, readClusterOptions } from './cluster-options.ts';
import { gatewayMetricsSetting, readGatewayMetrics } from './gateway-metrics-setting.ts';
import type { ControllersRoleOptions } from './roles/controllers.ts';
import { type Setting, SettingReader, type SettingValues } from './settings.ts';

/** Settings of `fairlead controllers`. */
export const controllersSettings: readonly Setting[] = [
  ...apiAccessSettings,
  { name: 'controllers', value: 'LIST', description: "which ones: names, '*', '-name' (default '*')" },
  gatewayMetricsSetting,
  ...clusterSettings,
];

/** @throws ConfigurationError with all problems together. */
export function validateControllersOptions(values: SettingValues, machine: Machine): ControllersRoleOptions {
  const reader = new SettingReader(values);
  const options: ControllersRoleOptions = {
    ...readClusterOptions(reader, machine.kernelModeObstacle === undefined ? 'kernel' : 'userspace'),
    ...readApiAccess(reader),
    controllers: (reader.text('controllers') ?? '*').split(',').filter((pattern) => pattern !== ''),
    gatewayMetrics: readGatewayMetrics(reader),
  };
  reader.finish();
  return options;
}
