import { isJsonNumber } from '@fairlead/api/json-number';
import type { FieldCause } from '@fairlead/api/schema';
import { badRequest, invalid } from '../server/status-error.ts';
import { recordOf } from '../watch/kube-object.ts';
import { decodeBody, UnreadableBody } from './decode-body.ts';
import type { RestRequest } from './rest-context.ts';

/** The options of a deletion. */
export interface DeleteOptions {
  readonly graceSeconds: number | undefined;
  readonly propagation: 'Foreground' | 'Background' | 'Orphan' | undefined;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
  readonly dryRun: boolean;
}

const deleteOptionsType = { apiVersion: 'v1', kind: 'DeleteOptions', typeId: 'meta.v1.DeleteOptions' } as const;

/** The options of a deletion: of the body if there is one, which the query cannot add to, else of the query. Throws 400 and 422. */
export function deleteOptions({ request, warnings }: RestRequest): DeleteOptions {
  const given: Readonly<Record<string, unknown>> =
    request.body.length === 0
      ? queryOptions(request.query)
      : givenOptions(() => decodeBody(request, deleteOptionsType, 'Ignore', warnings));
  const causes = optionCauses(given);
  if (causes.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', causes);
  const { gracePeriodSeconds: grace, propagationPolicy: policy, orphanDependents: orphan } = given;
  const preconditions = recordOf(given.preconditions);
  return {
    graceSeconds: isJsonNumber(grace) ? Number(grace) : undefined,
    propagation:
      policy === 'Foreground' || policy === 'Background' || policy === 'Orphan'
        ? policy
        : typeof orphan === 'boolean'
          ? orphan
            ? 'Orphan'
            : 'Background'
          : undefined,
    uid: typeof preconditions?.uid === 'string' ? preconditions.uid : undefined,
    resourceVersion: typeof preconditions?.resourceVersion === 'string' ? preconditions.resourceVersion : undefined,
    dryRun: dryRunsOf(given).length > 0,
  };
}

/** Options that cannot be read are told in the words of a Kubernetes server, which calls them its own fault, 500. */
function givenOptions(decode: () => Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof UnreadableBody)) throw error;
    throw badRequest(error.why.replace('pkg/api/legacyscheme/scheme.go:30', 'pkg/runtime/scheme.go:110'));
  }
}

/** What a query can say of a deletion. */
function queryOptions(query: URLSearchParams): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  const grace = query.get('gracePeriodSeconds') ?? '';
  if (grace !== '') {
    if (!/^[+-]?\d+$/.test(grace))
      throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(grace)}: invalid syntax`);
    options.gracePeriodSeconds = Number(grace);
  }
  const orphan = query.get('orphanDependents');
  // Go takes any other text for true.
  if (orphan !== null) options.orphanDependents = orphan !== '0' && orphan.toLowerCase() !== 'false';
  const policy = query.get('propagationPolicy');
  if (policy !== null) options.propagationPolicy = policy;
  const dryRun = query.getAll('dryRun');
  if (dryRun.length > 0) options.dryRun = dryRun;
  const preconditions = ['uid', 'resourceVersion'].map((name) => [name, query.get(name) ?? ''] as const);
  const given = preconditions.filter(([, value]) => value !== '');
  if (given.length > 0) options.preconditions = Object.fromEntries(given);
  return options;
}

function dryRunsOf({ dryRun }: Readonly<Record<string, unknown>>): readonly unknown[] {
  return Array.isArray(dryRun) ? dryRun : [];
}

function optionCauses(options: Readonly<Record<string, unknown>>): FieldCause[] {
  const { propagationPolicy: policy, orphanDependents: orphan } = options;
  const causes: FieldCause[] = [];
  if (policy !== undefined && orphan !== undefined) {
    causes.push({
      reason: 'FieldValueInvalid',
      field: 'propagationPolicy',
      message: `Invalid value: ${JSON.stringify(policy)}: orphanDependents and deletionPropagation cannot be both set`,
    });
  }
  if (policy !== undefined && policy !== 'Foreground' && policy !== 'Background' && policy !== 'Orphan') {
    causes.push({
      reason: 'FieldValueNotSupported',
      field: 'propagationPolicy',
      message: `Unsupported value: ${JSON.stringify(policy)}: supported values: "Foreground", "Background", "Orphan", "nil"`,
    });
  }
  const dryRuns = dryRunsOf(options);
  if (dryRuns.some((value) => value !== 'All')) {
    causes.push({
      reason: 'FieldValueNotSupported',
      field: 'dryRun',
      message: `Unsupported value: ${JSON.stringify(dryRuns)}: supported values: "All"`,
    });
  }
  return causes;
}
