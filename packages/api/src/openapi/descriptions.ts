import { appsDescriptions } from './descriptions-apps.ts';
import { clusterDescriptions, clusterFieldTexts } from './descriptions-cluster.ts';
import { coreDescriptions } from './descriptions-core.ts';
import { kindDescriptions } from './descriptions-kinds.ts';
import { networkingDescriptions } from './descriptions-networking.ts';
import { fieldTextsAD } from './field-texts-a-d.ts';
import { fieldTextsEM } from './field-texts-e-m.ts';
import { fieldTextsNR } from './field-texts-n-r.ts';
import { fieldTextsSZ } from './field-texts-s-z.ts';

/** Text of a type (`''`) and of its fields. */
export type TypeDescriptions = Readonly<Record<string, Readonly<Record<string, string>>>>;

const descriptions: TypeDescriptions = {
  ...kindDescriptions,
  ...clusterDescriptions,
  ...coreDescriptions,
  ...appsDescriptions,
  ...networkingDescriptions,
};

const EVERYWHERE: Readonly<Record<string, string>> = {
  apiVersion: 'Version of the schema of this object, as group/version.',
  kind: 'Kind of this object.',
  metadata: 'Name, labels and other data that every object has.',
  spec: 'What is wanted.',
  status: 'What has been observed. Written by the system.',
  ...fieldTextsAD,
  ...fieldTextsEM,
  ...fieldTextsNR,
  ...fieldTextsSZ,
  ...clusterFieldTexts,
};

/** The description of a type, or of one of its fields; `undefined` where none is written. */
export function descriptionOf(typeId: string, field = ''): string | undefined {
  const own = descriptions[typeId]?.[field];
  if (own !== undefined) return own;
  if (field !== '') return statusOfCondition(typeId, field) ?? EVERYWHERE[field];
  const list = /([A-Za-z]+)List$/.exec(typeId)?.[1];
  return list === undefined ? undefined : `A list of ${list} objects.`;
}

/** In conditions `status` is one word, not a part of the object. */
function statusOfCondition(typeId: string, field: string): string | undefined {
  return field === 'status' && typeId.endsWith('Condition') ? 'True, False or Unknown.' : undefined;
}
