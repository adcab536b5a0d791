import { isJsonObject } from '../../own-property.ts';
import { type FieldCause, invalid, notSupported, required } from '../field-cause.ts';
import { checkImmutable, checkNonNegative, type JsonObject, objectIn } from './fields.ts';
import {
  checkAtMost100Percent,
  checkIntOrPercent,
  goStrategy,
  isZero,
  type TemplateWords,
  validateSelectorAndTemplate,
  validateTemplate,
} from './workload-template.ts';

const words: TemplateWords = { kind: 'daemonset', deadlineOf: 'DaemonSet' };

/** Checks a DaemonSet. */
export function validateDaemonSet(daemonSet: JsonObject, old: JsonObject | undefined): FieldCause[] {
  const spec = objectIn(daemonSet, 'spec');
  // A selector that is not given selects nothing: told of the template, not of the selector.
  const causes = isJsonObject(spec.selector)
    ? validateSelectorAndTemplate(spec, words)
    : validateTemplate(objectIn(spec, 'template'), {}, words);
  causes.push(...checkNonNegative(spec.minReadySeconds, 'spec.minReadySeconds'));
  causes.push(...checkNonNegative(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'));
  const strategy = objectIn(spec, 'updateStrategy');
  const field = 'spec.updateStrategy';
  if (strategy.type === 'RollingUpdate') {
    const { maxSurge = 0, maxUnavailable = 0 } = objectIn(strategy, 'rollingUpdate');
    causes.push(...checkIntOrPercent(maxUnavailable, `${field}.rollingUpdate.maxUnavailable`));
    causes.push(...checkIntOrPercent(maxSurge, `${field}.rollingUpdate.maxSurge`));
    causes.push(...checkAtMost100Percent(maxUnavailable, `${field}.rollingUpdate.maxUnavailable`));
    causes.push(...checkAtMost100Percent(maxSurge, `${field}.rollingUpdate.maxSurge`));
    if (!isZero(maxUnavailable) && !isZero(maxSurge)) {
      causes.push(
        invalid(`${field}.rollingUpdate.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero'),
      );
    } else if (isZero(maxUnavailable) && isZero(maxSurge)) {
      causes.push(required(`${field}.rollingUpdate.maxUnavailable`, 'cannot be 0 when maxSurge is 0'));
    }
  } else if (strategy.type !== 'OnDelete') {
    const shown = goStrategy(strategy, ['MaxUnavailable', 'MaxSurge']);
    causes.push(notSupported(field, shown, ['RollingUpdate', 'OnDelete']));
  }
  const kept = old === undefined ? [] : checkImmutable(spec.selector, objectIn(old, 'spec').selector, 'spec.selector');
  return [...kept, ...causes];
}
