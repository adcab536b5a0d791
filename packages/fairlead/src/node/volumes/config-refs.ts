import type { Pod } from '@fairlead/api';

/** A ConfigMap or Secret that a volume shows. */
export interface ConfigRef {
  readonly plural: 'configmaps' | 'secrets';
  readonly name: string;
}

/** What a Pod's volumes show, each object once. */
export function configRefs(pod: Pod): readonly ConfigRef[] {
  const refs = new Map<string, ConfigRef>();
  const add = (plural: ConfigRef['plural'], name: string | undefined): void => {
    if (name !== undefined && name !== '') refs.set(`${plural}/${name}`, { plural, name });
  };
  for (const volume of pod.spec?.volumes ?? []) {
    add('configmaps', volume.configMap?.name);
    add('secrets', volume.secret?.secretName);
    for (const part of volume.projected?.sources ?? []) {
      add('configmaps', part.configMap?.name);
      add('secrets', part.secret?.name);
    }
  }
  return [...refs.values()];
}
