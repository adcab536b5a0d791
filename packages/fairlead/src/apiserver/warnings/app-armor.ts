/** Annotations that name a container's AppArmor profile begin with this. */
export const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/';

/** The field that an AppArmor annotation stands for; undefined for one that means nothing. */
export function appArmorFieldOf(annotation: string): Record<string, unknown> | undefined {
  if (annotation === 'unconfined') return { type: 'Unconfined' };
  if (annotation === 'runtime/default') return { type: 'RuntimeDefault' };
  const profile = annotation.startsWith('localhost/') ? annotation.slice('localhost/'.length) : '';
  return profile === '' ? undefined : { type: 'Localhost', localhostProfile: profile };
}
