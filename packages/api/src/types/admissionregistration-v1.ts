// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { Condition, LabelSelector, ListMeta, ObjectMeta } from './meta-v1.ts';

/** `admissionregistration.v1.AuditAnnotation` */
export interface AuditAnnotation {
  key: string;
  valueExpression: string;
}

/** `admissionregistration.v1.ExpressionWarning` */
export interface ExpressionWarning {
  fieldRef: string;
  warning: string;
}

/** `admissionregistration.v1.MatchCondition` */
export interface MatchCondition {
  name: string;
  expression: string;
}

/** `admissionregistration.v1.MatchResources` */
export interface MatchResources {
  namespaceSelector?: LabelSelector | undefined;
  objectSelector?: LabelSelector | undefined;
  resourceRules?: NamedRuleWithOperations[] | undefined;
  excludeResourceRules?: NamedRuleWithOperations[] | undefined;
  matchPolicy?: 'Equivalent' | 'Exact' | undefined;
}

/** `admissionregistration.v1.NamedRuleWithOperations` */
export interface NamedRuleWithOperations {
  resourceNames?: string[] | undefined;
  operations?: ('*' | 'CONNECT' | 'CREATE' | 'DELETE' | 'UPDATE')[] | undefined;
  apiGroups?: string[] | undefined;
  apiVersions?: string[] | undefined;
  resources?: string[] | undefined;
  scope?: string | undefined;
}

/** `admissionregistration.v1.ParamKind` */
export interface ParamKind {
  apiVersion?: string | undefined;
  kind?: string | undefined;
}

/** `admissionregistration.v1.ParamRef` */
export interface ParamRef {
  name?: string | undefined;
  namespace?: string | undefined;
  selector?: LabelSelector | undefined;
  parameterNotFoundAction?: string | undefined;
}

/** `admissionregistration.v1.TypeChecking` */
export interface TypeChecking {
  expressionWarnings?: ExpressionWarning[] | undefined;
}

/** `admissionregistration.v1.ValidatingAdmissionPolicy` */
export interface ValidatingAdmissionPolicy {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: ValidatingAdmissionPolicySpec | undefined;
  status?: ValidatingAdmissionPolicyStatus | undefined;
}

/** `admissionregistration.v1.ValidatingAdmissionPolicyBinding` */
export interface ValidatingAdmissionPolicyBinding {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: ValidatingAdmissionPolicyBindingSpec | undefined;
}

/** `admissionregistration.v1.ValidatingAdmissionPolicyBindingList` */
export interface ValidatingAdmissionPolicyBindingList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: ValidatingAdmissionPolicyBinding[];
}

/** `admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec` */
export interface ValidatingAdmissionPolicyBindingSpec {
  policyName?: string | undefined;
  paramRef?: ParamRef | undefined;
  matchResources?: MatchResources | undefined;
  validationActions?: ('Audit' | 'Deny' | 'Warn')[] | undefined;
}

/** `admissionregistration.v1.ValidatingAdmissionPolicyList` */
export interface ValidatingAdmissionPolicyList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: ValidatingAdmissionPolicy[];
}

/** `admissionregistration.v1.ValidatingAdmissionPolicySpec` */
export interface ValidatingAdmissionPolicySpec {
  paramKind?: ParamKind | undefined;
  matchConstraints?: MatchResources | undefined;
  validations?: Validation[] | undefined;
  failurePolicy?: 'Fail' | 'Ignore' | undefined;
  auditAnnotations?: AuditAnnotation[] | undefined;
  matchConditions?: MatchCondition[] | undefined;
  variables?: Variable[] | undefined;
}

/** `admissionregistration.v1.ValidatingAdmissionPolicyStatus` */
export interface ValidatingAdmissionPolicyStatus {
  observedGeneration?: number | undefined;
  typeChecking?: TypeChecking | undefined;
  conditions?: Condition[] | undefined;
}

/** `admissionregistration.v1.Validation` */
export interface Validation {
  expression: string;
  message?: string | undefined;
  reason?: string | undefined;
  messageExpression?: string | undefined;
}

/** `admissionregistration.v1.Variable` */
export interface Variable {
  name: string;
  expression: string;
}
