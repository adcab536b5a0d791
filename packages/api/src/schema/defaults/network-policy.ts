import { ensureObject, type JsonObject, objectsIn, setDefault } from './fields.ts';

/** Defaults of a NetworkPolicy: TCP, and the directions that its rules speak of. */
export function applyNetworkPolicyDefaults(policy: JsonObject): void {
  const spec = ensureObject(policy, 'spec');
  for (const rule of [...objectsIn(spec, 'ingress'), ...objectsIn(spec, 'egress')]) {
    for (const port of objectsIn(rule, 'ports')) setDefault(port, 'protocol', 'TCP');
  }
  if (Array.isArray(spec.policyTypes) && spec.policyTypes.length > 0) return;
  const egress = Array.isArray(spec.egress) && spec.egress.length > 0;
  spec.policyTypes = egress ? ['Ingress', 'Egress'] : ['Ingress'];
}
