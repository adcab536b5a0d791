import { type KubeObject, recordOf } from '../watch/kube-object.ts';

/** Fills in what policies, bindings and webhook configurations leave out. Changes `object`. */
export function defaultAdmissionObject(kind: string, object: KubeObject): void {
  switch (kind) {
    case 'ValidatingAdmissionPolicy': {
      const spec = recordOf(object.spec);
      if (spec === undefined) return;
      spec.failurePolicy ??= 'Fail';
      defaultMatching(recordOf(spec.matchConstraints));
      return;
    }
    case 'ValidatingAdmissionPolicyBinding':
      defaultMatching(recordOf(recordOf(object.spec)?.matchResources));
      return;
    default:
      for (const one of Array.isArray(object.webhooks) ? (object.webhooks as unknown[]) : []) {
        const webhook = recordOf(one);
        if (webhook === undefined) continue;
        webhook.failurePolicy ??= 'Fail';
        webhook.timeoutSeconds ??= 10;
        if (kind === 'MutatingWebhookConfiguration') webhook.reinvocationPolicy ??= 'Never';
        defaultMatching(webhook);
        const service = recordOf(recordOf(webhook.clientConfig)?.service);
        if (service !== undefined) service.port ??= 443;
        defaultScopes(webhook.rules);
      }
  }
}

function defaultMatching(match: Record<string, unknown> | undefined): void {
  if (match === undefined) return;
  match.matchPolicy ??= 'Equivalent';
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  defaultScopes(match.resourceRules);
  defaultScopes(match.excludeResourceRules);
}

function defaultScopes(rules: unknown): void {
  for (const one of Array.isArray(rules) ? (rules as unknown[]) : []) {
    const rule = recordOf(one);
    if (rule !== undefined) rule.scope ??= '*';
  }
}
