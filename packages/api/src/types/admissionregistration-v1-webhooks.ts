// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { MatchCondition } from './admissionregistration-v1.ts';
import type { LabelSelector, ListMeta, ObjectMeta } from './meta-v1.ts';

/** `admissionregistration.v1.MutatingWebhook` */
export interface MutatingWebhook {
  name: string;
  clientConfig: WebhookClientConfig;
  rules?: RuleWithOperations[] | undefined;
  failurePolicy?: 'Fail' | 'Ignore' | undefined;
  matchPolicy?: 'Equivalent' | 'Exact' | undefined;
  namespaceSelector?: LabelSelector | undefined;
  objectSelector?: LabelSelector | undefined;
  sideEffects: 'None' | 'NoneOnDryRun' | 'Some' | 'Unknown';
  timeoutSeconds?: number | undefined;
  admissionReviewVersions: string[];
  reinvocationPolicy?: string | undefined;
  matchConditions?: MatchCondition[] | undefined;
}

/** `admissionregistration.v1.MutatingWebhookConfiguration` */
export interface MutatingWebhookConfiguration {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  webhooks?: MutatingWebhook[] | undefined;
}

/** `admissionregistration.v1.MutatingWebhookConfigurationList` */
export interface MutatingWebhookConfigurationList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: MutatingWebhookConfiguration[];
}

/** `admissionregistration.v1.RuleWithOperations` */
export interface RuleWithOperations {
  operations?: ('*' | 'CONNECT' | 'CREATE' | 'DELETE' | 'UPDATE')[] | undefined;
  apiGroups?: string[] | undefined;
  apiVersions?: string[] | undefined;
  resources?: string[] | undefined;
  scope?: string | undefined;
}

/** `admissionregistration.v1.ServiceReference` */
export interface ServiceReference {
  namespace: string;
  name: string;
  path?: string | undefined;
  port?: number | undefined;
}

/** `admissionregistration.v1.ValidatingWebhook` */
export interface ValidatingWebhook {
  name: string;
  clientConfig: WebhookClientConfig;
  rules?: RuleWithOperations[] | undefined;
  failurePolicy?: 'Fail' | 'Ignore' | undefined;
  matchPolicy?: 'Equivalent' | 'Exact' | undefined;
  namespaceSelector?: LabelSelector | undefined;
  objectSelector?: LabelSelector | undefined;
  sideEffects: 'None' | 'NoneOnDryRun' | 'Some' | 'Unknown';
  timeoutSeconds?: number | undefined;
  admissionReviewVersions: string[];
  matchConditions?: MatchCondition[] | undefined;
}

/** `admissionregistration.v1.ValidatingWebhookConfiguration` */
export interface ValidatingWebhookConfiguration {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  webhooks?: ValidatingWebhook[] | undefined;
}

/** `admissionregistration.v1.ValidatingWebhookConfigurationList` */
export interface ValidatingWebhookConfigurationList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: ValidatingWebhookConfiguration[];
}

/** `admissionregistration.v1.WebhookClientConfig` */
export interface WebhookClientConfig {
  url?: string | undefined;
  service?: ServiceReference | undefined;
  caBundle?: string | undefined;
}
