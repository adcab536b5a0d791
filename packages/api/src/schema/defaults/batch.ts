import { ensureObject, type JsonObject, setDefault, setDefaultText } from './fields.ts';
import { applyPodTemplateDefaults } from './pod.ts';

/** Defaults of a Job: one Pod to completion, six retries. */
export function applyJobDefaults(job: JsonObject): void {
  const spec = ensureObject(job, 'spec');
  applyJobSpecDefaults(spec);
  // Both unset means one; one set means that the other follows from it.
  if (spec.completions === undefined && spec.parallelism === undefined) {
    spec.completions = 1;
    spec.parallelism = 1;
  }
  setDefault(spec, 'parallelism', 1);
  setDefault(spec, 'backoffLimit', spec.backoffLimitPerIndex === undefined ? 6 : 2_147_483_647);
  setDefault(spec, 'completionMode', 'NonIndexed');
  setDefault(spec, 'suspend', false);
  setDefault(spec, 'manualSelector', false);
  setDefault(spec, 'podReplacementPolicy', spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed');
}

function applyJobSpecDefaults(spec: JsonObject): void {
  const template = ensureObject(spec, 'template');
  ensureObject(template, 'metadata');
  applyPodTemplateDefaults(template);
}

/** Defaults of a CronJob: overlapping runs are allowed, three good ones and a bad one are kept. */
export function applyCronJobDefaults(cronJob: JsonObject): void {
  const spec = ensureObject(cronJob, 'spec');
  setDefaultText(spec, 'concurrencyPolicy', 'Allow');
  setDefault(spec, 'suspend', false);
  setDefault(spec, 'successfulJobsHistoryLimit', 3);
  setDefault(spec, 'failedJobsHistoryLimit', 1);
  const template = ensureObject(spec, 'jobTemplate');
  ensureObject(template, 'metadata');
  applyJobSpecDefaults(ensureObject(template, 'spec'));
}
