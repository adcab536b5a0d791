import { labelValueErrors } from '../../names.ts';
import { type FieldCause, forbidden, invalid, required } from '../field-cause.ts';
import { checkName, checkQualifiedName, type JsonObject, objectsIn, stringsIn, textIn } from './fields.ts';
import { validateLabels } from './metadata.ts';

/** Checks the object form of a label selector. */
export function validateLabelSelector(selector: JsonObject, field: string): FieldCause[] {
  const causes = validateLabels(selector.matchLabels, `${field}.matchLabels`);
  for (const [index, expression] of objectsIn(selector, 'matchExpressions').entries()) {
    const place = `${field}.matchExpressions[${index}]`;
    const values = stringsIn(expression, 'values');
    switch (expression.operator) {
      case 'In':
      case 'NotIn':
        if (values.length === 0) {
          causes.push(required(`${place}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
        }
        break;
      case 'Exists':
      case 'DoesNotExist':
        if (values.length > 0) {
          causes.push(
            forbidden(`${place}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
          );
        }
        break;
      default:
        causes.push(invalid(`${place}.operator`, expression.operator ?? '', 'not a valid selector operator'));
    }
    causes.push(...checkQualifiedName(textIn(expression, 'key'), `${place}.key`));
    for (const [at, value] of values.entries()) {
      causes.push(...checkName(value, `${place}.values[${at}]`, labelValueErrors));
    }
  }
  return causes;
}
