import { type JsonObject, objectIn, setDefaultText } from './fields.ts';

/** Defaults of an IngressClass: parameters are cluster-scoped. */
export function applyIngressClassDefaults(ingressClass: JsonObject): void {
  const parameters = objectIn(objectIn(ingressClass, 'spec'), 'parameters');
  if (parameters !== undefined) setDefaultText(parameters, 'scope', 'Cluster');
}
