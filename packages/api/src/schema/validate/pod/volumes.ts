import { dns1123SubdomainErrors } from '../../../names.ts';
import { duplicate, type FieldCause, invalid, required } from '../../field-cause.ts';
import { checkDnsLabel, type JsonObject, objectIn, objectsIn, textIn } from '../fields.ts';
import { givenObject } from './pod-context.ts';
import { validateVolumeSource } from './volume-sources.ts';

/** What a look at the volumes of a Pod spec found. */
export interface CheckedVolumes {
  readonly causes: FieldCause[];
  /** Volumes without mistakes, by name: only those can be mounted. */
  readonly volumes: ReadonlyMap<string, JsonObject>;
}

/** Checks the volumes of a Pod spec; `metadata` is that of a Pod, which names the claims it makes. */
export function validateVolumes(spec: JsonObject, metadata: JsonObject | undefined, field: string): CheckedVolumes {
  const causes: FieldCause[] = [];
  const volumes = new Map<string, JsonObject>();
  const podName = metadata === undefined ? '' : textIn(metadata, 'name');
  const list = objectsIn(spec, 'volumes');
  const made = new Set(
    podName === ''
      ? []
      : list
          .filter((volume) => givenObject(volume, 'ephemeral'))
          .map((volume) => `${podName}-${textIn(volume, 'name')}`),
  );
  for (const [index, volume] of list.entries()) {
    const place = `${field}[${index}]`;
    const name = textIn(volume, 'name');
    const own = validateVolumeSource(volume, place, metadata !== undefined);
    own.push(...claimNameCauses(volume, podName, place));
    if (name === '') own.push(required(`${place}.name`));
    else own.push(...checkDnsLabel(name, `${place}.name`));
    if (volumes.has(name)) own.push(duplicate(`${place}.name`, name));
    if (own.length === 0) volumes.set(name, volume);
    causes.push(...own);
    const claim = textIn(objectIn(volume, 'persistentVolumeClaim'), 'claimName');
    if (made.has(claim)) {
      const text = 'must not reference a PVC that gets created for an ephemeral volume';
      causes.push(invalid(`${place}.persistentVolumeClaim.claimName`, claim, text));
    }
  }
  return { causes, volumes };
}

/** The claim of an ephemeral volume is named after Pod and volume. */
function claimNameCauses(volume: JsonObject, podName: string, field: string): FieldCause[] {
  const name = textIn(volume, 'name');
  if (podName === '' || name === '' || givenObject(volume, 'ephemeral') === undefined) return [];
  const claim = `${podName}-${name}`;
  return dns1123SubdomainErrors(claim).map((error) =>
    invalid(`${field}.name`, name, `PVC name ${JSON.stringify(claim)}: ${error}`),
  );
}
