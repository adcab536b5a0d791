import { appsDescriptions } from './descriptions-apps.ts';
import { coreDescriptions } from './descriptions-core.ts';
import { networkingDescriptions } from './descriptions-networking.ts';

/** Text of a type (`''`) and of its fields. */
export type TypeDescriptions = Readonly<Record<string, Readonly<Record<string, string>>>>;

const descriptions: TypeDescriptions = { ...coreDescriptions, ...appsDescriptions, ...networkingDescriptions };

const EVERYWHERE: Readonly<Record<string, string>> = {
  apiVersion: 'Version of the schema of this object, as group/version.',
  kind: 'Kind of this object.',
  metadata: 'Name, labels and other data that every object has.',
  spec: 'What is wanted.',
  status: 'What has been observed. Written by the system.',
};

/** The description of a type, or of one of its fields; `undefined` where none is written. */
export function descriptionOf(typeId: string, field = ''): string | undefined {
  return descriptions[typeId]?.[field] ?? (field === '' ? undefined : EVERYWHERE[field]);
}
