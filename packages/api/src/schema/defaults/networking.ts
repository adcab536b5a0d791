import { type JsonObject, objectIn, setDefault } from './fields.ts';

/** Defaults of an IngressClass: parameters are cluster-scoped. */
export function applyIngressClassDefaults(ingressClass: JsonObject): void {
  const parameters = objectIn(objectIn(ingressClass, 'spec'), 'parameters');
  if (parameters !== undefined) setDefault(parameters, 'scope', 'Cluster');
}
