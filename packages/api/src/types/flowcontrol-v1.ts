// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { ListMeta, ObjectMeta, Time } from './meta-v1.ts';

/** `flowcontrol.v1.ExemptPriorityLevelConfiguration` */
export interface ExemptPriorityLevelConfiguration {
  nominalConcurrencyShares?: number | undefined;
  lendablePercent?: number | undefined;
}

/** `flowcontrol.v1.FlowDistinguisherMethod` */
export interface FlowDistinguisherMethod {
  type: string;
}

/** `flowcontrol.v1.FlowSchema` */
export interface FlowSchema {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: FlowSchemaSpec | undefined;
  status?: FlowSchemaStatus | undefined;
}

/** `flowcontrol.v1.FlowSchemaCondition` */
export interface FlowSchemaCondition {
  type?: string | undefined;
  status?: string | undefined;
  lastTransitionTime?: Time | undefined;
  reason?: string | undefined;
  message?: string | undefined;
}

/** `flowcontrol.v1.FlowSchemaList` */
export interface FlowSchemaList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: FlowSchema[];
}

/** `flowcontrol.v1.FlowSchemaSpec` */
export interface FlowSchemaSpec {
  priorityLevelConfiguration: PriorityLevelConfigurationReference;
  matchingPrecedence?: number | undefined;
  distinguisherMethod?: FlowDistinguisherMethod | undefined;
  rules?: PolicyRulesWithSubjects[] | undefined;
}

/** `flowcontrol.v1.FlowSchemaStatus` */
export interface FlowSchemaStatus {
  conditions?: FlowSchemaCondition[] | undefined;
}

/** `flowcontrol.v1.GroupSubject` */
export interface GroupSubject {
  name: string;
}

/** `flowcontrol.v1.LimitResponse` */
export interface LimitResponse {
  type: string;
  queuing?: QueuingConfiguration | undefined;
}

/** `flowcontrol.v1.LimitedPriorityLevelConfiguration` */
export interface LimitedPriorityLevelConfiguration {
  nominalConcurrencyShares?: number | undefined;
  limitResponse?: LimitResponse | undefined;
  lendablePercent?: number | undefined;
  borrowingLimitPercent?: number | undefined;
}

/** `flowcontrol.v1.NonResourcePolicyRule` */
export interface NonResourcePolicyRule {
  verbs: string[];
  nonResourceURLs: string[];
}

/** `flowcontrol.v1.PolicyRulesWithSubjects` */
export interface PolicyRulesWithSubjects {
  subjects: FlowcontrolSubject[];
  resourceRules?: ResourcePolicyRule[] | undefined;
  nonResourceRules?: NonResourcePolicyRule[] | undefined;
}

/** `flowcontrol.v1.PriorityLevelConfiguration` */
export interface PriorityLevelConfiguration {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: PriorityLevelConfigurationSpec | undefined;
  status?: PriorityLevelConfigurationStatus | undefined;
}

/** `flowcontrol.v1.PriorityLevelConfigurationCondition` */
export interface PriorityLevelConfigurationCondition {
  type?: string | undefined;
  status?: string | undefined;
  lastTransitionTime?: Time | undefined;
  reason?: string | undefined;
  message?: string | undefined;
}

/** `flowcontrol.v1.PriorityLevelConfigurationList` */
export interface PriorityLevelConfigurationList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: PriorityLevelConfiguration[];
}

/** `flowcontrol.v1.PriorityLevelConfigurationReference` */
export interface PriorityLevelConfigurationReference {
  name: string;
}

/** `flowcontrol.v1.PriorityLevelConfigurationSpec` */
export interface PriorityLevelConfigurationSpec {
  type: string;
  limited?: LimitedPriorityLevelConfiguration | undefined;
  exempt?: ExemptPriorityLevelConfiguration | undefined;
}

/** `flowcontrol.v1.PriorityLevelConfigurationStatus` */
export interface PriorityLevelConfigurationStatus {
  conditions?: PriorityLevelConfigurationCondition[] | undefined;
}

/** `flowcontrol.v1.QueuingConfiguration` */
export interface QueuingConfiguration {
  queues?: number | undefined;
  handSize?: number | undefined;
  queueLengthLimit?: number | undefined;
}

/** `flowcontrol.v1.ResourcePolicyRule` */
export interface ResourcePolicyRule {
  verbs: string[];
  apiGroups: string[];
  resources: string[];
  clusterScope?: boolean | undefined;
  namespaces?: string[] | undefined;
}

/** `flowcontrol.v1.ServiceAccountSubject` */
export interface ServiceAccountSubject {
  namespace: string;
  name: string;
}

/** `flowcontrol.v1.Subject` */
export interface FlowcontrolSubject {
  kind: string;
  user?: UserSubject | undefined;
  group?: GroupSubject | undefined;
  serviceAccount?: ServiceAccountSubject | undefined;
}

/** `flowcontrol.v1.UserSubject` */
export interface UserSubject {
  name: string;
}
