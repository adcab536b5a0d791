import type { Condition, Service, Stored } from '@fairlead/api';
import type { CompileWarning } from './compile.ts';
import { annotationPrefix } from './l4-annotations.ts';

/** A condition as it should be; `undefined`: there should be none of its type. */
export interface WantedCondition {
  readonly type: string;
  readonly wanted: Pick<Condition, 'status' | 'reason' | 'message'> | undefined;
}

/** Says whether the annotations were understood. The same on every node. */
const acceptedCondition: string = `${annotationPrefix}AnnotationsAccepted`;

/** Says that one node cannot do what is asked; each node has its own. */
function degradedCondition(nodeName: string): string {
  return `${annotationPrefix}Degraded.${nodeName}`;
}

/** The API server's limit of a condition's message. */
const longestMessage = 32_000;

function messageOf(warnings: readonly CompileWarning[]): string {
  return warnings
    .map(({ field, message }) => `${field}: ${message}`)
    .join('; ')
    .slice(0, longestMessage);
}

/** What the status of a Service should say of its annotations (docs/decisions/0006-l4-conditions.md). Pure. */
export function conditionsFor(
  service: Service,
  warnings: readonly CompileWarning[],
  nodeName: string,
): { readonly accepted: WantedCondition; readonly degraded: WantedCondition } {
  const ours = warnings.filter(({ field }) => field.startsWith('metadata.annotations'));
  const wrong = ours.filter(({ ofNode }) => ofNode !== true);
  const notHere = ours.filter(({ ofNode }) => ofNode === true);
  const annotated = Object.keys(service.metadata?.annotations ?? {}).some((name) => name.startsWith(annotationPrefix));
  const accepted: WantedCondition['wanted'] =
    wrong.length > 0
      ? { status: 'False', reason: 'InvalidAnnotation', message: messageOf(wrong) }
      : annotated
        ? { status: 'True', reason: 'Accepted', message: 'the service proxy follows all annotations' }
        : undefined;
  const degraded: WantedCondition['wanted'] =
    notHere.length > 0 ? { status: 'True', reason: 'KernelFeatureMissing', message: messageOf(notHere) } : undefined;
  return {
    accepted: { type: acceptedCondition, wanted: accepted },
    degraded: { type: degradedCondition(nodeName), wanted: degraded },
  };
}

/** Whether the status already says so. */
export function isCurrent(service: Stored<Service>, { type, wanted }: WantedCondition): boolean {
  const present = service.status?.conditions?.find((condition) => condition.type === type);
  if (wanted === undefined || present === undefined) return wanted === present;
  return (
    present.status === wanted.status &&
    present.reason === wanted.reason &&
    present.message === wanted.message &&
    present.observedGeneration === service.metadata.generation
  );
}
