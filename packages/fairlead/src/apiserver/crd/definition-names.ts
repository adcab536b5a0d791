import type { Definition, DefinitionNames } from '@fairlead/api/crd/index';

/** A condition of a definition. */
export interface DefinitionCondition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

/** Which names of a definition are accepted, and the conditions that follow. */
export interface NameDecision {
  readonly acceptedNames: DefinitionNames;
  readonly conditions: readonly DefinitionCondition[];
}

const approval = 'api-approved.kubernetes.io';

/**
 * Decides about the names of a definition. `others`: accepted names of the other definitions of
 * the group. A name once accepted stays accepted; the last conflict is the one that is told.
 */
export function decideNames(definition: Definition, others: readonly DefinitionNames[]): NameDecision {
  const wanted = definition.spec.names;
  const accepted = definition.status?.acceptedNames;
  const taken = new Set(
    others.flatMap((names) => [names.plural, names.singular ?? '', ...(names.shortNames ?? [])]).filter(Boolean),
  );
  const takenKinds = new Set(others.flatMap((names) => [names.kind, names.listKind ?? '']).filter(Boolean));
  let conflict: { readonly reason: string; readonly message: string } | undefined;
  const take = (name: string, before: string, used: ReadonlySet<string>, reason: string): string => {
    if (name === before || !used.has(name)) return name;
    conflict = { reason, message: `${JSON.stringify(name)} is already in use` };
    return before;
  };
  const plural = take(wanted.plural, accepted?.plural ?? '', taken, 'PluralConflict');
  const singular = take(wanted.singular ?? '', accepted?.singular ?? '', taken, 'SingularConflict');
  const shortNames = wanted.shortNames ?? [];
  const before = accepted?.shortNames ?? [];
  const clashing = shortNames.filter((name) => !before.includes(name) && taken.has(name));
  if (clashing.length > 0) {
    const texts = clashing.map((name) => `${JSON.stringify(name)} is already in use`);
    conflict = { reason: 'ShortNamesConflict', message: texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]` };
  }
  const kind = take(wanted.kind, accepted?.kind ?? '', takenKinds, 'KindConflict');
  const listKind = take(wanted.listKind ?? '', accepted?.listKind ?? '', takenKinds, 'ListKindConflict');
  const acceptedShortNames = clashing.length > 0 ? before : shortNames;
  return {
    acceptedNames: {
      plural,
      ...(singular === '' ? {} : { singular }),
      ...(acceptedShortNames.length === 0 ? {} : { shortNames: acceptedShortNames }),
      kind,
      ...(listKind === '' ? {} : { listKind }),
      ...(wanted.categories === undefined ? {} : { categories: wanted.categories }),
    },
    conditions: [...nameConditions(definition, conflict), ...approvalConditions(definition)],
  };
}

function nameConditions(
  definition: Definition,
  conflict: { readonly reason: string; readonly message: string } | undefined,
): DefinitionCondition[] {
  const established = definition.status?.conditions?.some(
    ({ type, status }) => type === 'Established' && status === 'True',
  );
  const names: DefinitionCondition =
    conflict === undefined
      ? { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }
      : { type: 'NamesAccepted', status: 'False', ...conflict };
  return [
    names,
    conflict === undefined || established === true
      ? {
          type: 'Established',
          status: 'True',
          reason: 'InitialNamesAccepted',
          message: 'the initial names have been accepted',
        }
      : { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' },
  ];
}

function approvalConditions({ spec, metadata }: Definition): DefinitionCondition[] {
  if (!/(?:^|\.)(?:k8s|kubernetes)\.io$/.test(spec.group)) return [];
  const type = 'KubernetesAPIApprovalPolicyConformant';
  const text = metadata.annotations?.[approval] ?? '';
  if (text.startsWith('https://')) {
    return [{ type, status: 'True', reason: 'ApprovedAnnotation', message: `approved in ${text}` }];
  }
  if (text.startsWith('unapproved')) {
    return [
      { type, status: 'False', reason: 'UnapprovedAnnotation', message: `not approved: ${JSON.stringify(text)}` },
    ];
  }
  const message = `protected groups must have approval annotation "${approval}", see https://github.com/kubernetes/enhancements/pull/1111`;
  return [{ type, status: 'False', reason: 'MissingAnnotation', message }];
}
