import { applyFieldRefDefault } from './container.ts';
import { ensureObject, type JsonObject, objectIn, objectsIn, setDefault } from './fields.ts';

/** File mode 0644. */
const FILE_MODE = 420;
const TOKEN_SECONDS = 3600;

/** Defaults of one volume; without a source it is an empty directory. */
export function applyVolumeDefaults(volume: JsonObject): void {
  const sources = Object.keys(volume).filter((name) => name !== 'name' && volume[name] !== null);
  if (sources.length === 0) volume.emptyDir = {};
  for (const name of ['secret', 'configMap', 'downwardAPI', 'projected']) {
    const source = objectIn(volume, name);
    if (source !== undefined) setDefault(source, 'defaultMode', FILE_MODE);
  }
  applyItemDefaults(objectIn(volume, 'downwardAPI'));
  for (const source of objectsIn(objectIn(volume, 'projected'), 'sources')) {
    applyItemDefaults(objectIn(source, 'downwardAPI'));
    const token = objectIn(source, 'serviceAccountToken');
    if (token !== undefined) setDefault(token, 'expirationSeconds', TOKEN_SECONDS);
  }
  applyVolumeSourceDefaults(volume);
  const claim = objectIn(objectIn(volume, 'ephemeral'), 'volumeClaimTemplate');
  if (claim !== undefined) setDefault(ensureObject(claim, 'spec'), 'volumeMode', 'Filesystem');
}

/** Defaults of sources that volumes of Pods and of the cluster have. */
export function applyVolumeSourceDefaults(volume: JsonObject): void {
  const hostPath = objectIn(volume, 'hostPath');
  if (hostPath !== undefined) setDefault(hostPath, 'type', '');
  const azureDisk = objectIn(volume, 'azureDisk');
  if (azureDisk !== undefined) setDefault(azureDisk, 'readOnly', false);
}

function applyItemDefaults(source: JsonObject | undefined): void {
  for (const item of objectsIn(source, 'items')) applyFieldRefDefault(item);
}
