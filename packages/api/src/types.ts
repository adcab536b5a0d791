// Generated from src/schema by scripts/generate-types.ts; do not edit.
// The form of every built-in Kubernetes type in JSON.

/** `admission.v1.AdmissionRequest` */
export interface AdmissionRequest {
  uid?: string | undefined;
  kind?: GroupVersionKind | undefined;
  resource?: GroupVersionResource | undefined;
  subResource?: string | undefined;
  requestKind?: GroupVersionKind | undefined;
  requestResource?: GroupVersionResource | undefined;
  requestSubResource?: string | undefined;
  name?: string | undefined;
  namespace?: string | undefined;
  operation?: string | undefined;
  userInfo?: UserInfo | undefined;
  object?: RawExtension | undefined;
  oldObject?: RawExtension | undefined;
  dryRun?: boolean | undefined;
  options?: RawExtension | undefined;
}

/** `admission.v1.AdmissionResponse` */
export interface AdmissionResponse {
  uid?: string | undefined;
  allowed?: boolean | undefined;
  status?: Status | undefined;
  patch?: string | undefined;
  patchType?: string | undefined;
  auditAnnotations?: Record<string, string> | undefined;
  warnings?: string[] | undefined;
}

/** `admission.v1.AdmissionReview` */
export interface AdmissionReview {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  request?: AdmissionRequest | undefined;
  response?: AdmissionResponse | undefined;
}

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

/** `admissionregistration.v1.WebhookClientConfig` */
export interface WebhookClientConfig {
  url?: string | undefined;
  service?: ServiceReference | undefined;
  caBundle?: string | undefined;
}

/** `apidiscovery.v2.APIGroupDiscovery` */
export interface APIGroupDiscovery {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  versions?: APIVersionDiscovery[] | undefined;
}

/** `apidiscovery.v2.APIGroupDiscoveryList` */
export interface APIGroupDiscoveryList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items?: APIGroupDiscovery[] | undefined;
}

/** `apidiscovery.v2.APIResourceDiscovery` */
export interface APIResourceDiscovery {
  resource?: string | undefined;
  responseKind?: GroupVersionKind | undefined;
  scope?: string | undefined;
  singularResource?: string | undefined;
  verbs?: string[] | undefined;
  shortNames?: string[] | undefined;
  categories?: string[] | undefined;
  subresources?: APISubresourceDiscovery[] | undefined;
}

/** `apidiscovery.v2.APISubresourceDiscovery` */
export interface APISubresourceDiscovery {
  subresource?: string | undefined;
  responseKind?: GroupVersionKind | undefined;
  acceptedTypes?: GroupVersionKind[] | undefined;
  verbs?: string[] | undefined;
}

/** `apidiscovery.v2.APIVersionDiscovery` */
export interface APIVersionDiscovery {
  version?: string | undefined;
  resources?: APIResourceDiscovery[] | undefined;
  freshness?: string | undefined;
}

/** `apiextensions.v1.ConversionRequest` */
export interface ConversionRequest {
  uid?: string | undefined;
  desiredAPIVersion?: string | undefined;
  objects?: RawExtension[] | undefined;
}

/** `apiextensions.v1.ConversionResponse` */
export interface ConversionResponse {
  uid?: string | undefined;
  convertedObjects?: RawExtension[] | undefined;
  result?: Status | undefined;
}

/** `apiextensions.v1.ConversionReview` */
export interface ConversionReview {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  request?: ConversionRequest | undefined;
  response?: ConversionResponse | undefined;
}

/** `apiextensions.v1.CustomResourceColumnDefinition` */
export interface CustomResourceColumnDefinition {
  name: string;
  type: string;
  format?: string | undefined;
  description?: string | undefined;
  priority?: number | undefined;
  jsonPath: string;
}

/** `apiextensions.v1.CustomResourceConversion` */
export interface CustomResourceConversion {
  strategy: string;
  webhook?: WebhookConversion | undefined;
}

/** `apiextensions.v1.CustomResourceDefinition` */
export interface CustomResourceDefinition {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec: CustomResourceDefinitionSpec;
  status?: CustomResourceDefinitionStatus | undefined;
}

/** `apiextensions.v1.CustomResourceDefinitionCondition` */
export interface CustomResourceDefinitionCondition {
  type: string;
  status: string;
  lastTransitionTime?: Time | undefined;
  reason?: string | undefined;
  message?: string | undefined;
  observedGeneration?: number | undefined;
}

/** `apiextensions.v1.CustomResourceDefinitionList` */
export interface CustomResourceDefinitionList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: CustomResourceDefinition[];
}

/** `apiextensions.v1.CustomResourceDefinitionNames` */
export interface CustomResourceDefinitionNames {
  plural: string;
  singular?: string | undefined;
  shortNames?: string[] | undefined;
  kind: string;
  listKind?: string | undefined;
  categories?: string[] | undefined;
}

/** `apiextensions.v1.CustomResourceDefinitionSpec` */
export interface CustomResourceDefinitionSpec {
  group: string;
  names: CustomResourceDefinitionNames;
  scope: string;
  versions: CustomResourceDefinitionVersion[];
  conversion?: CustomResourceConversion | undefined;
  preserveUnknownFields?: boolean | undefined;
}

/** `apiextensions.v1.CustomResourceDefinitionStatus` */
export interface CustomResourceDefinitionStatus {
  conditions?: CustomResourceDefinitionCondition[] | undefined;
  acceptedNames?: CustomResourceDefinitionNames | undefined;
  storedVersions?: string[] | undefined;
  observedGeneration?: number | undefined;
}

/** `apiextensions.v1.CustomResourceDefinitionVersion` */
export interface CustomResourceDefinitionVersion {
  name: string;
  served: boolean;
  storage: boolean;
  deprecated?: boolean | undefined;
  deprecationWarning?: string | undefined;
  schema?: CustomResourceValidation | undefined;
  subresources?: CustomResourceSubresources | undefined;
  additionalPrinterColumns?: CustomResourceColumnDefinition[] | undefined;
  selectableFields?: SelectableField[] | undefined;
}

/** `apiextensions.v1.CustomResourceSubresourceScale` */
export interface CustomResourceSubresourceScale {
  specReplicasPath: string;
  statusReplicasPath: string;
  labelSelectorPath?: string | undefined;
}

/** `apiextensions.v1.CustomResourceSubresourceStatus` */
export type CustomResourceSubresourceStatus = Record<string, never>;

/** `apiextensions.v1.CustomResourceSubresources` */
export interface CustomResourceSubresources {
  status?: CustomResourceSubresourceStatus | undefined;
  scale?: CustomResourceSubresourceScale | undefined;
}

/** `apiextensions.v1.CustomResourceValidation` */
export interface CustomResourceValidation {
  openAPIV3Schema?: JSONSchemaProps | undefined;
}

/** `apiextensions.v1.ExternalDocumentation` */
export interface ExternalDocumentation {
  description?: string | undefined;
  url?: string | undefined;
}

/** `apiextensions.v1.JSON` */
export type JSON = unknown;

/** `apiextensions.v1.JSONSchemaProps` */
export interface JSONSchemaProps {
  id?: string | undefined;
  $schema?: string | undefined;
  $ref?: string | undefined;
  description?: string | undefined;
  type?: string | undefined;
  format?: string | undefined;
  title?: string | undefined;
  default?: JSON | undefined;
  maximum?: number | undefined;
  exclusiveMaximum?: boolean | undefined;
  minimum?: number | undefined;
  exclusiveMinimum?: boolean | undefined;
  maxLength?: number | undefined;
  minLength?: number | undefined;
  pattern?: string | undefined;
  maxItems?: number | undefined;
  minItems?: number | undefined;
  uniqueItems?: boolean | undefined;
  multipleOf?: number | undefined;
  enum?: JSON[] | undefined;
  maxProperties?: number | undefined;
  minProperties?: number | undefined;
  required?: string[] | undefined;
  items?: JSONSchemaPropsOrArray | undefined;
  allOf?: JSONSchemaProps[] | undefined;
  oneOf?: JSONSchemaProps[] | undefined;
  anyOf?: JSONSchemaProps[] | undefined;
  not?: JSONSchemaProps | undefined;
  properties?: Record<string, JSONSchemaProps> | undefined;
  additionalProperties?: JSONSchemaPropsOrBool | undefined;
  patternProperties?: Record<string, JSONSchemaProps> | undefined;
  dependencies?: Record<string, JSONSchemaPropsOrStringArray> | undefined;
  additionalItems?: JSONSchemaPropsOrBool | undefined;
  definitions?: Record<string, JSONSchemaProps> | undefined;
  externalDocs?: ExternalDocumentation | undefined;
  example?: JSON | undefined;
  nullable?: boolean | undefined;
  'x-kubernetes-preserve-unknown-fields'?: boolean | undefined;
  'x-kubernetes-embedded-resource'?: boolean | undefined;
  'x-kubernetes-int-or-string'?: boolean | undefined;
  'x-kubernetes-list-map-keys'?: string[] | undefined;
  'x-kubernetes-list-type'?: string | undefined;
  'x-kubernetes-map-type'?: string | undefined;
  'x-kubernetes-validations'?: ValidationRule[] | undefined;
}

/** `apiextensions.v1.JSONSchemaPropsOrArray` */
export type JSONSchemaPropsOrArray = unknown;

/** `apiextensions.v1.JSONSchemaPropsOrBool` */
export type JSONSchemaPropsOrBool = unknown;

/** `apiextensions.v1.JSONSchemaPropsOrStringArray` */
export type JSONSchemaPropsOrStringArray = unknown;

/** `apiextensions.v1.SelectableField` */
export interface SelectableField {
  jsonPath: string;
}

/** `apiextensions.v1.ServiceReference` */
export interface ApiextensionsServiceReference {
  namespace: string;
  name: string;
  path?: string | undefined;
  port?: number | undefined;
}

/** `apiextensions.v1.ValidationRule` */
export interface ValidationRule {
  rule: string;
  message?: string | undefined;
  messageExpression?: string | undefined;
  reason?: 'FieldValueDuplicate' | 'FieldValueForbidden' | 'FieldValueInvalid' | 'FieldValueRequired' | undefined;
  fieldPath?: string | undefined;
  optionalOldSelf?: boolean | undefined;
}

/** `apiextensions.v1.WebhookClientConfig` */
export interface ApiextensionsWebhookClientConfig {
  url?: string | undefined;
  service?: ApiextensionsServiceReference | undefined;
  caBundle?: string | undefined;
}

/** `apiextensions.v1.WebhookConversion` */
export interface WebhookConversion {
  clientConfig?: ApiextensionsWebhookClientConfig | undefined;
  conversionReviewVersions: string[];
}

/** `apps.v1.ControllerRevision` */
export interface ControllerRevision {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  data?: RawExtension | undefined;
  revision: number;
}

/** `apps.v1.ControllerRevisionList` */
export interface ControllerRevisionList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: ControllerRevision[];
}

/** `apps.v1.DaemonSet` */
export interface DaemonSet {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: DaemonSetSpec | undefined;
  status?: DaemonSetStatus | undefined;
}

/** `apps.v1.DaemonSetCondition` */
export interface DaemonSetCondition {
  type: string;
  status: string;
  lastTransitionTime?: Time | undefined;
  reason?: string | undefined;
  message?: string | undefined;
}

/** `apps.v1.DaemonSetList` */
export interface DaemonSetList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: DaemonSet[];
}

/** `apps.v1.DaemonSetSpec` */
export interface DaemonSetSpec {
  selector: LabelSelector;
  template: PodTemplateSpec;
  updateStrategy?: DaemonSetUpdateStrategy | undefined;
  minReadySeconds?: number | undefined;
  revisionHistoryLimit?: number | undefined;
}

/** `apps.v1.DaemonSetStatus` */
export interface DaemonSetStatus {
  currentNumberScheduled: number;
  numberMisscheduled: number;
  desiredNumberScheduled: number;
  numberReady: number;
  observedGeneration?: number | undefined;
  updatedNumberScheduled?: number | undefined;
  numberAvailable?: number | undefined;
  numberUnavailable?: number | undefined;
  collisionCount?: number | undefined;
  conditions?: DaemonSetCondition[] | undefined;
}

/** `apps.v1.DaemonSetUpdateStrategy` */
export interface DaemonSetUpdateStrategy {
  type?: 'OnDelete' | 'RollingUpdate' | undefined;
  rollingUpdate?: RollingUpdateDaemonSet | undefined;
}

/** `apps.v1.Deployment` */
export interface Deployment {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: DeploymentSpec | undefined;
  status?: DeploymentStatus | undefined;
}

/** `apps.v1.DeploymentCondition` */
export interface DeploymentCondition {
  type: string;
  status: string;
  lastUpdateTime?: Time | undefined;
  lastTransitionTime?: Time | undefined;
  reason?: string | undefined;
  message?: string | undefined;
}

/** `apps.v1.DeploymentList` */
export interface DeploymentList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: Deployment[];
}

/** `apps.v1.DeploymentSpec` */
export interface DeploymentSpec {
  replicas?: number | undefined;
  selector: LabelSelector;
  template: PodTemplateSpec;
  strategy?: DeploymentStrategy | undefined;
  minReadySeconds?: number | undefined;
  revisionHistoryLimit?: number | undefined;
  paused?: boolean | undefined;
  progressDeadlineSeconds?: number | undefined;
}

/** `apps.v1.DeploymentStatus` */
export interface DeploymentStatus {
  observedGeneration?: number | undefined;
  replicas?: number | undefined;
  updatedReplicas?: number | undefined;
  readyReplicas?: number | undefined;
  availableReplicas?: number | undefined;
  unavailableReplicas?: number | undefined;
  terminatingReplicas?: number | undefined;
  conditions?: DeploymentCondition[] | undefined;
  collisionCount?: number | undefined;
}

/** `apps.v1.DeploymentStrategy` */
export interface DeploymentStrategy {
  type?: 'Recreate' | 'RollingUpdate' | undefined;
  rollingUpdate?: RollingUpdateDeployment | undefined;
}

/** `apps.v1.ReplicaSet` */
export interface ReplicaSet {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: ReplicaSetSpec | undefined;
  status?: ReplicaSetStatus | undefined;
}

/** `apps.v1.ReplicaSetCondition` */
export interface ReplicaSetCondition {
  type: string;
  status: string;
  lastTransitionTime?: Time | undefined;
  reason?: string | undefined;
  message?: string | undefined;
}

/** `apps.v1.ReplicaSetList` */
export interface ReplicaSetList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: ReplicaSet[];
}

/** `apps.v1.ReplicaSetSpec` */
export interface ReplicaSetSpec {
  replicas?: number | undefined;
  minReadySeconds?: number | undefined;
  selector: LabelSelector;
  template?: PodTemplateSpec | undefined;
}

/** `apps.v1.ReplicaSetStatus` */
export interface ReplicaSetStatus {
  replicas: number;
  fullyLabeledReplicas?: number | undefined;
  readyReplicas?: number | undefined;
  availableReplicas?: number | undefined;
  terminatingReplicas?: number | undefined;
  observedGeneration?: number | undefined;
  conditions?: ReplicaSetCondition[] | undefined;
}

/** `apps.v1.RollingUpdateDaemonSet` */
export interface RollingUpdateDaemonSet {
  maxUnavailable?: IntOrString | undefined;
  maxSurge?: IntOrString | undefined;
}

/** `apps.v1.RollingUpdateDeployment` */
export interface RollingUpdateDeployment {
  maxUnavailable?: IntOrString | undefined;
  maxSurge?: IntOrString | undefined;
}

/** `apps.v1.RollingUpdateStatefulSetStrategy` */
export interface RollingUpdateStatefulSetStrategy {
  partition?: number | undefined;
  maxUnavailable?: IntOrString | undefined;
}

/** `apps.v1.StatefulSet` */
export interface StatefulSet {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: StatefulSetSpec | undefined;
  status?: StatefulSetStatus | undefined;
}

/** `apps.v1.StatefulSetCondition` */
export interface StatefulSetCondition {
  type: string;
  status: string;
  lastTransitionTime?: Time | undefined;
  reason?: string | undefined;
  message?: string | undefined;
}

/** `apps.v1.StatefulSetList` */
export interface StatefulSetList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: StatefulSet[];
}

/** `apps.v1.StatefulSetOrdinals` */
export interface StatefulSetOrdinals {
  start?: number | undefined;
}

/** `apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy` */
export interface StatefulSetPersistentVolumeClaimRetentionPolicy {
  whenDeleted?: string | undefined;
  whenScaled?: string | undefined;
}

/** `apps.v1.StatefulSetSpec` */
export interface StatefulSetSpec {
  replicas?: number | undefined;
  selector: LabelSelector;
  template: PodTemplateSpec;
  volumeClaimTemplates?: PersistentVolumeClaim[] | undefined;
  serviceName?: string | undefined;
  podManagementPolicy?: 'OrderedReady' | 'Parallel' | undefined;
  updateStrategy?: StatefulSetUpdateStrategy | undefined;
  revisionHistoryLimit?: number | undefined;
  minReadySeconds?: number | undefined;
  persistentVolumeClaimRetentionPolicy?: StatefulSetPersistentVolumeClaimRetentionPolicy | undefined;
  ordinals?: StatefulSetOrdinals | undefined;
}

/** `apps.v1.StatefulSetStatus` */
export interface StatefulSetStatus {
  observedGeneration?: number | undefined;
  replicas: number;
  readyReplicas?: number | undefined;
  currentReplicas?: number | undefined;
  updatedReplicas?: number | undefined;
  currentRevision?: string | undefined;
  updateRevision?: string | undefined;
  collisionCount?: number | undefined;
  conditions?: StatefulSetCondition[] | undefined;
  availableReplicas?: number | undefined;
}

/** `apps.v1.StatefulSetUpdateStrategy` */
export interface StatefulSetUpdateStrategy {
  type?: 'OnDelete' | 'RollingUpdate' | undefined;
  rollingUpdate?: RollingUpdateStatefulSetStrategy | undefined;
}

/** `authentication.v1.BoundObjectReference` */
export interface BoundObjectReference {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  name?: string | undefined;
  uid?: string | undefined;
}

/** `authentication.v1.SelfSubjectReview` */
export interface SelfSubjectReview {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  status?: SelfSubjectReviewStatus | undefined;
}

/** `authentication.v1.SelfSubjectReviewStatus` */
export interface SelfSubjectReviewStatus {
  userInfo?: UserInfo | undefined;
}

/** `authentication.v1.TokenRequest` */
export interface TokenRequest {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec: TokenRequestSpec;
  status?: TokenRequestStatus | undefined;
}

/** `authentication.v1.TokenRequestSpec` */
export interface TokenRequestSpec {
  audiences: string[];
  expirationSeconds?: number | undefined;
  boundObjectRef?: BoundObjectReference | undefined;
}

/** `authentication.v1.TokenRequestStatus` */
export interface TokenRequestStatus {
  token: string;
  expirationTimestamp: Time;
}

/** `authentication.v1.TokenReview` */
export interface TokenReview {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec: TokenReviewSpec;
  status?: TokenReviewStatus | undefined;
}

/** `authentication.v1.TokenReviewSpec` */
export interface TokenReviewSpec {
  token?: string | undefined;
  audiences?: string[] | undefined;
}

/** `authentication.v1.TokenReviewStatus` */
export interface TokenReviewStatus {
  authenticated?: boolean | undefined;
  user?: UserInfo | undefined;
  audiences?: string[] | undefined;
  error?: string | undefined;
}

/** `authentication.v1.UserInfo` */
export interface UserInfo {
  username?: string | undefined;
  uid?: string | undefined;
  groups?: string[] | undefined;
  extra?: Record<string, string[]> | undefined;
}

/** `authorization.v1.FieldSelectorAttributes` */
export interface FieldSelectorAttributes {
  rawSelector?: string | undefined;
  requirements?: FieldSelectorRequirement[] | undefined;
}

/** `authorization.v1.LabelSelectorAttributes` */
export interface LabelSelectorAttributes {
  rawSelector?: string | undefined;
  requirements?: LabelSelectorRequirement[] | undefined;
}

/** `authorization.v1.LocalSubjectAccessReview` */
export interface LocalSubjectAccessReview {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec: SubjectAccessReviewSpec;
  status?: SubjectAccessReviewStatus | undefined;
}

/** `authorization.v1.NonResourceAttributes` */
export interface NonResourceAttributes {
  path?: string | undefined;
  verb?: string | undefined;
}

/** `authorization.v1.NonResourceRule` */
export interface NonResourceRule {
  verbs: string[];
  nonResourceURLs?: string[] | undefined;
}

/** `authorization.v1.ResourceAttributes` */
export interface ResourceAttributes {
  namespace?: string | undefined;
  verb?: string | undefined;
  group?: string | undefined;
  version?: string | undefined;
  resource?: string | undefined;
  subresource?: string | undefined;
  name?: string | undefined;
  fieldSelector?: FieldSelectorAttributes | undefined;
  labelSelector?: LabelSelectorAttributes | undefined;
}

/** `authorization.v1.ResourceRule` */
export interface ResourceRule {
  verbs: string[];
  apiGroups?: string[] | undefined;
  resources?: string[] | undefined;
  resourceNames?: string[] | undefined;
}

/** `authorization.v1.SelfSubjectAccessReview` */
export interface SelfSubjectAccessReview {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec: SelfSubjectAccessReviewSpec;
  status?: SubjectAccessReviewStatus | undefined;
}

/** `authorization.v1.SelfSubjectAccessReviewSpec` */
export interface SelfSubjectAccessReviewSpec {
  resourceAttributes?: ResourceAttributes | undefined;
  nonResourceAttributes?: NonResourceAttributes | undefined;
}

/** `authorization.v1.SelfSubjectRulesReview` */
export interface SelfSubjectRulesReview {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec: SelfSubjectRulesReviewSpec;
  status?: SubjectRulesReviewStatus | undefined;
}

/** `authorization.v1.SelfSubjectRulesReviewSpec` */
export interface SelfSubjectRulesReviewSpec {
  namespace?: string | undefined;
}

/** `authorization.v1.SubjectAccessReview` */
export interface SubjectAccessReview {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec: SubjectAccessReviewSpec;
  status?: SubjectAccessReviewStatus | undefined;
}

/** `authorization.v1.SubjectAccessReviewSpec` */
export interface SubjectAccessReviewSpec {
  resourceAttributes?: ResourceAttributes | undefined;
  nonResourceAttributes?: NonResourceAttributes | undefined;
  user?: string | undefined;
  groups?: string[] | undefined;
  extra?: Record<string, string[]> | undefined;
  uid?: string | undefined;
}

/** `authorization.v1.SubjectAccessReviewStatus` */
export interface SubjectAccessReviewStatus {
  allowed: boolean;
  denied?: boolean | undefined;
  reason?: string | undefined;
  evaluationError?: string | undefined;
}

/** `authorization.v1.SubjectRulesReviewStatus` */
export interface SubjectRulesReviewStatus {
  resourceRules: ResourceRule[];
  nonResourceRules: NonResourceRule[];
  incomplete: boolean;
  evaluationError?: string | undefined;
}

/** `autoscaling.v1.CrossVersionObjectReference` */
export interface AutoscalingCrossVersionObjectReference {
  kind: string;
  name: string;
  apiVersion?: string | undefined;
}

/** `autoscaling.v1.HorizontalPodAutoscaler` */
export interface AutoscalingHorizontalPodAutoscaler {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: AutoscalingHorizontalPodAutoscalerSpec | undefined;
  status?: AutoscalingHorizontalPodAutoscalerStatus | undefined;
}

/** `autoscaling.v1.HorizontalPodAutoscalerList` */
export interface AutoscalingHorizontalPodAutoscalerList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: AutoscalingHorizontalPodAutoscaler[];
}

/** `autoscaling.v1.HorizontalPodAutoscalerSpec` */
export interface AutoscalingHorizontalPodAutoscalerSpec {
  scaleTargetRef: AutoscalingCrossVersionObjectReference;
  minReplicas?: number | undefined;
  maxReplicas: number;
  targetCPUUtilizationPercentage?: number | undefined;
}

/** `autoscaling.v1.HorizontalPodAutoscalerStatus` */
export interface AutoscalingHorizontalPodAutoscalerStatus {
  observedGeneration?: number | undefined;
  lastScaleTime?: Time | undefined;
  currentReplicas: number;
  desiredReplicas: number;
  currentCPUUtilizationPercentage?: number | undefined;
}

/** `autoscaling.v1.Scale` */
export interface Scale {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: ScaleSpec | undefined;
  status?: ScaleStatus | undefined;
}

/** `autoscaling.v1.ScaleSpec` */
export interface ScaleSpec {
  replicas?: number | undefined;
}

/** `autoscaling.v1.ScaleStatus` */
export interface ScaleStatus {
  replicas: number;
  selector?: string | undefined;
}

/** `autoscaling.v2.ContainerResourceMetricSource` */
export interface ContainerResourceMetricSource {
  name: string;
  target: MetricTarget;
  container: string;
}

/** `autoscaling.v2.ContainerResourceMetricStatus` */
export interface ContainerResourceMetricStatus {
  name: string;
  current: MetricValueStatus;
  container: string;
}

/** `autoscaling.v2.CrossVersionObjectReference` */
export interface CrossVersionObjectReference {
  kind: string;
  name: string;
  apiVersion?: string | undefined;
}

/** `autoscaling.v2.ExternalMetricSource` */
export interface ExternalMetricSource {
  metric: MetricIdentifier;
  target: MetricTarget;
}

/** `autoscaling.v2.ExternalMetricStatus` */
export interface ExternalMetricStatus {
  metric: MetricIdentifier;
  current: MetricValueStatus;
}

/** `autoscaling.v2.HPAScalingPolicy` */
export interface HPAScalingPolicy {
  type: string;
  value: number;
  periodSeconds: number;
}

/** `autoscaling.v2.HPAScalingRules` */
export interface HPAScalingRules {
  stabilizationWindowSeconds?: number | undefined;
  selectPolicy?: string | undefined;
  policies?: HPAScalingPolicy[] | undefined;
  tolerance?: Quantity | undefined;
}

/** `autoscaling.v2.HorizontalPodAutoscaler` */
export interface HorizontalPodAutoscaler {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: HorizontalPodAutoscalerSpec | undefined;
  status?: HorizontalPodAutoscalerStatus | undefined;
}

/** `autoscaling.v2.HorizontalPodAutoscalerBehavior` */
export interface HorizontalPodAutoscalerBehavior {
  scaleUp?: HPAScalingRules | undefined;
  scaleDown?: HPAScalingRules | undefined;
}

/** `autoscaling.v2.HorizontalPodAutoscalerCondition` */
export interface HorizontalPodAutoscalerCondition {
  type: string;
  status: string;
  lastTransitionTime?: Time | undefined;
  reason?: string | undefined;
  message?: string | undefined;
}

/** `autoscaling.v2.HorizontalPodAutoscalerList` */
export interface HorizontalPodAutoscalerList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: HorizontalPodAutoscaler[];
}

/** `autoscaling.v2.HorizontalPodAutoscalerSpec` */
export interface HorizontalPodAutoscalerSpec {
  scaleTargetRef: CrossVersionObjectReference;
  minReplicas?: number | undefined;
  maxReplicas: number;
  metrics?: MetricSpec[] | undefined;
  behavior?: HorizontalPodAutoscalerBehavior | undefined;
}

/** `autoscaling.v2.HorizontalPodAutoscalerStatus` */
export interface HorizontalPodAutoscalerStatus {
  observedGeneration?: number | undefined;
  lastScaleTime?: Time | undefined;
  currentReplicas?: number | undefined;
  desiredReplicas: number;
  currentMetrics?: MetricStatus[] | undefined;
  conditions?: HorizontalPodAutoscalerCondition[] | undefined;
}

/** `autoscaling.v2.MetricIdentifier` */
export interface MetricIdentifier {
  name: string;
  selector?: LabelSelector | undefined;
}

/** `autoscaling.v2.MetricSpec` */
export interface MetricSpec {
  type: string;
  object?: ObjectMetricSource | undefined;
  pods?: PodsMetricSource | undefined;
  resource?: ResourceMetricSource | undefined;
  containerResource?: ContainerResourceMetricSource | undefined;
  external?: ExternalMetricSource | undefined;
}

/** `autoscaling.v2.MetricStatus` */
export interface MetricStatus {
  type: string;
  object?: ObjectMetricStatus | undefined;
  pods?: PodsMetricStatus | undefined;
  resource?: ResourceMetricStatus | undefined;
  containerResource?: ContainerResourceMetricStatus | undefined;
  external?: ExternalMetricStatus | undefined;
}

/** `autoscaling.v2.MetricTarget` */
export interface MetricTarget {
  type: string;
  value?: Quantity | undefined;
  averageValue?: Quantity | undefined;
  averageUtilization?: number | undefined;
}

/** `autoscaling.v2.MetricValueStatus` */
export interface MetricValueStatus {
  value?: Quantity | undefined;
  averageValue?: Quantity | undefined;
  averageUtilization?: number | undefined;
}

/** `autoscaling.v2.ObjectMetricSource` */
export interface ObjectMetricSource {
  describedObject: CrossVersionObjectReference;
  target: MetricTarget;
  metric: MetricIdentifier;
}

/** `autoscaling.v2.ObjectMetricStatus` */
export interface ObjectMetricStatus {
  metric: MetricIdentifier;
  current: MetricValueStatus;
  describedObject: CrossVersionObjectReference;
}

/** `autoscaling.v2.PodsMetricSource` */
export interface PodsMetricSource {
  metric: MetricIdentifier;
  target: MetricTarget;
}

/** `autoscaling.v2.PodsMetricStatus` */
export interface PodsMetricStatus {
  metric: MetricIdentifier;
  current: MetricValueStatus;
}

/** `autoscaling.v2.ResourceMetricSource` */
export interface ResourceMetricSource {
  name: string;
  target: MetricTarget;
}

/** `autoscaling.v2.ResourceMetricStatus` */
export interface ResourceMetricStatus {
  name: string;
  current: MetricValueStatus;
}

/** `batch.v1.CronJob` */
export interface CronJob {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: CronJobSpec | undefined;
  status?: CronJobStatus | undefined;
}

/** `batch.v1.CronJobList` */
export interface CronJobList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: CronJob[];
}

/** `batch.v1.CronJobSpec` */
export interface CronJobSpec {
  schedule: string;
  timeZone?: string | undefined;
  startingDeadlineSeconds?: number | undefined;
  concurrencyPolicy?: 'Allow' | 'Forbid' | 'Replace' | undefined;
  suspend?: boolean | undefined;
  jobTemplate: JobTemplateSpec;
  successfulJobsHistoryLimit?: number | undefined;
  failedJobsHistoryLimit?: number | undefined;
}

/** `batch.v1.CronJobStatus` */
export interface CronJobStatus {
  active?: ObjectReference[] | undefined;
  lastScheduleTime?: Time | undefined;
  lastSuccessfulTime?: Time | undefined;
}

/** `batch.v1.Job` */
export interface Job {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: JobSpec | undefined;
  status?: JobStatus | undefined;
}

/** `batch.v1.JobCondition` */
export interface JobCondition {
  type: string;
  status: string;
  lastProbeTime?: Time | undefined;
  lastTransitionTime?: Time | undefined;
  reason?: string | undefined;
  message?: string | undefined;
}

/** `batch.v1.JobList` */
export interface JobList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: Job[];
}

/** `batch.v1.JobSpec` */
export interface JobSpec {
  parallelism?: number | undefined;
  completions?: number | undefined;
  activeDeadlineSeconds?: number | undefined;
  podFailurePolicy?: PodFailurePolicy | undefined;
  successPolicy?: SuccessPolicy | undefined;
  backoffLimit?: number | undefined;
  backoffLimitPerIndex?: number | undefined;
  maxFailedIndexes?: number | undefined;
  selector?: LabelSelector | undefined;
  manualSelector?: boolean | undefined;
  template: PodTemplateSpec;
  ttlSecondsAfterFinished?: number | undefined;
  completionMode?: 'Indexed' | 'NonIndexed' | undefined;
  suspend?: boolean | undefined;
  podReplacementPolicy?: 'Failed' | 'TerminatingOrFailed' | undefined;
  managedBy?: string | undefined;
}

/** `batch.v1.JobStatus` */
export interface JobStatus {
  conditions?: JobCondition[] | undefined;
  startTime?: Time | undefined;
  completionTime?: Time | undefined;
  active?: number | undefined;
  succeeded?: number | undefined;
  failed?: number | undefined;
  terminating?: number | undefined;
  completedIndexes?: string | undefined;
  failedIndexes?: string | undefined;
  uncountedTerminatedPods?: UncountedTerminatedPods | undefined;
  ready?: number | undefined;
}

/** `batch.v1.JobTemplateSpec` */
export interface JobTemplateSpec {
  metadata?: ObjectMeta | undefined;
  spec?: JobSpec | undefined;
}

/** `batch.v1.PodFailurePolicy` */
export interface PodFailurePolicy {
  rules: PodFailurePolicyRule[];
}

/** `batch.v1.PodFailurePolicyOnExitCodesRequirement` */
export interface PodFailurePolicyOnExitCodesRequirement {
  containerName?: string | undefined;
  operator: 'In' | 'NotIn';
  values: number[];
}

/** `batch.v1.PodFailurePolicyOnPodConditionsPattern` */
export interface PodFailurePolicyOnPodConditionsPattern {
  type: string;
  status: string;
}

/** `batch.v1.PodFailurePolicyRule` */
export interface PodFailurePolicyRule {
  action: 'Count' | 'FailIndex' | 'FailJob' | 'Ignore';
  onExitCodes?: PodFailurePolicyOnExitCodesRequirement | undefined;
  onPodConditions?: PodFailurePolicyOnPodConditionsPattern[] | undefined;
}

/** `batch.v1.SuccessPolicy` */
export interface SuccessPolicy {
  rules: SuccessPolicyRule[];
}

/** `batch.v1.SuccessPolicyRule` */
export interface SuccessPolicyRule {
  succeededIndexes?: string | undefined;
  succeededCount?: number | undefined;
}

/** `batch.v1.UncountedTerminatedPods` */
export interface UncountedTerminatedPods {
  succeeded?: string[] | undefined;
  failed?: string[] | undefined;
}

/** `coordination.v1.Lease` */
export interface Lease {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: LeaseSpec | undefined;
}

/** `coordination.v1.LeaseList` */
export interface LeaseList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: Lease[];
}

/** `coordination.v1.LeaseSpec` */
export interface LeaseSpec {
  holderIdentity?: string | undefined;
  leaseDurationSeconds?: number | undefined;
  acquireTime?: MicroTime | undefined;
  renewTime?: MicroTime | undefined;
  leaseTransitions?: number | undefined;
  strategy?: string | undefined;
  preferredHolder?: string | undefined;
}

/** `core.v1.Binding` */
export interface Binding {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  target: ObjectReference;
}

/** `core.v1.ClientIPConfig` */
export interface ClientIPConfig {
  timeoutSeconds?: number | undefined;
}

/** `core.v1.ConfigMap` */
export interface ConfigMap {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  immutable?: boolean | undefined;
  data?: Record<string, string> | undefined;
  binaryData?: Record<string, string> | undefined;
}

/** `core.v1.ConfigMapList` */
export interface ConfigMapList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: ConfigMap[];
}

/** `core.v1.EndpointAddress` */
export interface EndpointAddress {
  ip: string;
  hostname?: string | undefined;
  nodeName?: string | undefined;
  targetRef?: ObjectReference | undefined;
}

/** `core.v1.EndpointPort` */
export interface EndpointPort {
  name?: string | undefined;
  port: number;
  protocol?: 'SCTP' | 'TCP' | 'UDP' | undefined;
  appProtocol?: string | undefined;
}

/** `core.v1.EndpointSubset` */
export interface EndpointSubset {
  addresses?: EndpointAddress[] | undefined;
  notReadyAddresses?: EndpointAddress[] | undefined;
  ports?: EndpointPort[] | undefined;
}

/** `core.v1.Endpoints` */
export interface Endpoints {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  subsets?: EndpointSubset[] | undefined;
}

/** `core.v1.EndpointsList` */
export interface EndpointsList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: Endpoints[];
}

/** `core.v1.Event` */
export interface Event {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata: ObjectMeta;
  involvedObject: ObjectReference;
  reason?: string | undefined;
  message?: string | undefined;
  source?: EventSource | undefined;
  firstTimestamp?: Time | undefined;
  lastTimestamp?: Time | undefined;
  count?: number | undefined;
  type?: string | undefined;
  eventTime?: MicroTime | undefined;
  series?: EventSeries | undefined;
  action?: string | undefined;
  related?: ObjectReference | undefined;
  reportingComponent?: string | undefined;
  reportingInstance?: string | undefined;
}

/** `core.v1.EventList` */
export interface EventList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: Event[];
}

/** `core.v1.EventSeries` */
export interface EventSeries {
  count?: number | undefined;
  lastObservedTime?: MicroTime | undefined;
}

/** `core.v1.EventSource` */
export interface EventSource {
  component?: string | undefined;
  host?: string | undefined;
}

/** `core.v1.LinuxContainerUser` */
export interface LinuxContainerUser {
  uid: number;
  gid: number;
  supplementalGroups?: number[] | undefined;
}

/** `core.v1.LoadBalancerIngress` */
export interface LoadBalancerIngress {
  ip?: string | undefined;
  hostname?: string | undefined;
  ipMode?: string | undefined;
  ports?: PortStatus[] | undefined;
}

/** `core.v1.LoadBalancerStatus` */
export interface LoadBalancerStatus {
  ingress?: LoadBalancerIngress[] | undefined;
}

/** `core.v1.LocalObjectReference` */
export interface LocalObjectReference {
  name?: string | undefined;
}

/** `core.v1.Namespace` */
export interface Namespace {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: NamespaceSpec | undefined;
  status?: NamespaceStatus | undefined;
}

/** `core.v1.NamespaceCondition` */
export interface NamespaceCondition {
  type: string;
  status: string;
  lastTransitionTime?: Time | undefined;
  reason?: string | undefined;
  message?: string | undefined;
}

/** `core.v1.NamespaceList` */
export interface NamespaceList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: Namespace[];
}

/** `core.v1.NamespaceSpec` */
export interface NamespaceSpec {
  finalizers?: string[] | undefined;
}

/** `core.v1.NamespaceStatus` */
export interface NamespaceStatus {
  phase?: 'Active' | 'Terminating' | undefined;
  conditions?: NamespaceCondition[] | undefined;
}

/** `core.v1.ObjectReference` */
export interface ObjectReference {
  kind?: string | undefined;
  namespace?: string | undefined;
  name?: string | undefined;
  uid?: string | undefined;
  apiVersion?: string | undefined;
  resourceVersion?: string | undefined;
  fieldPath?: string | undefined;
}

/** `core.v1.PortStatus` */
export interface PortStatus {
  port: number;
  protocol: 'SCTP' | 'TCP' | 'UDP';
  error?: string | undefined;
}

/** `core.v1.Secret` */
export interface Secret {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  immutable?: boolean | undefined;
  data?: Record<string, string> | undefined;
  stringData?: Record<string, string> | undefined;
  type?: string | undefined;
}

/** `core.v1.SecretList` */
export interface SecretList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: Secret[];
}

/** `core.v1.Service` */
export interface Service {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: ServiceSpec | undefined;
  status?: ServiceStatus | undefined;
}

/** `core.v1.ServiceAccount` */
export interface ServiceAccount {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  secrets?: ObjectReference[] | undefined;
  imagePullSecrets?: LocalObjectReference[] | undefined;
  automountServiceAccountToken?: boolean | undefined;
}

/** `core.v1.ServiceAccountList` */
export interface ServiceAccountList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: ServiceAccount[];
}

/** `core.v1.ServiceList` */
export interface ServiceList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: Service[];
}

/** `core.v1.ServicePort` */
export interface ServicePort {
  name?: string | undefined;
  protocol?: 'SCTP' | 'TCP' | 'UDP' | undefined;
  appProtocol?: string | undefined;
  port: number;
  targetPort?: IntOrString | undefined;
  nodePort?: number | undefined;
}

/** `core.v1.ServiceSpec` */
export interface ServiceSpec {
  ports?: ServicePort[] | undefined;
  selector?: Record<string, string> | undefined;
  clusterIP?: string | undefined;
  clusterIPs?: string[] | undefined;
  type?: 'ClusterIP' | 'ExternalName' | 'LoadBalancer' | 'NodePort' | undefined;
  externalIPs?: string[] | undefined;
  sessionAffinity?: 'ClientIP' | 'None' | undefined;
  loadBalancerIP?: string | undefined;
  loadBalancerSourceRanges?: string[] | undefined;
  externalName?: string | undefined;
  externalTrafficPolicy?: 'Cluster' | 'Local' | undefined;
  healthCheckNodePort?: number | undefined;
  publishNotReadyAddresses?: boolean | undefined;
  sessionAffinityConfig?: SessionAffinityConfig | undefined;
  ipFamilies?: ('' | 'IPv4' | 'IPv6')[] | undefined;
  ipFamilyPolicy?: 'PreferDualStack' | 'RequireDualStack' | 'SingleStack' | undefined;
  allocateLoadBalancerNodePorts?: boolean | undefined;
  loadBalancerClass?: string | undefined;
  internalTrafficPolicy?: 'Cluster' | 'Local' | undefined;
  trafficDistribution?: string | undefined;
}

/** `core.v1.ServiceStatus` */
export interface ServiceStatus {
  loadBalancer?: LoadBalancerStatus | undefined;
  conditions?: Condition[] | undefined;
}

/** `core.v1.SessionAffinityConfig` */
export interface SessionAffinityConfig {
  clientIP?: ClientIPConfig | undefined;
}

/** `core.v1.TypedLocalObjectReference` */
export interface TypedLocalObjectReference {
  apiGroup?: string | undefined;
  kind: string;
  name: string;
}

/** `core.v1.TypedObjectReference` */
export interface TypedObjectReference {
  apiGroup?: string | undefined;
  kind: string;
  name: string;
  namespace?: string | undefined;
}

/** `core.v1.ConfigMapNodeConfigSource` */
export interface ConfigMapNodeConfigSource {
  namespace: string;
  name: string;
  uid?: string | undefined;
  resourceVersion?: string | undefined;
  kubeletConfigKey: string;
}

/** `core.v1.ContainerImage` */
export interface ContainerImage {
  names?: string[] | undefined;
  sizeBytes?: number | undefined;
}

/** `core.v1.DaemonEndpoint` */
export interface DaemonEndpoint {
  Port: number;
}

/** `core.v1.Node` */
export interface Node {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: NodeSpec | undefined;
  status?: NodeStatus | undefined;
}

/** `core.v1.NodeAddress` */
export interface NodeAddress {
  type: string;
  address: string;
}

/** `core.v1.NodeAllocatableResourceClaimStatus` */
export interface NodeAllocatableResourceClaimStatus {
  resourceClaimName?: string | undefined;
  containers?: string[] | undefined;
  resources?: Record<string, Quantity> | undefined;
}

/** `core.v1.NodeCondition` */
export interface NodeCondition {
  type: string;
  status: string;
  lastHeartbeatTime?: Time | undefined;
  lastTransitionTime?: Time | undefined;
  reason?: string | undefined;
  message?: string | undefined;
}

/** `core.v1.NodeConfigSource` */
export interface NodeConfigSource {
  configMap?: ConfigMapNodeConfigSource | undefined;
}

/** `core.v1.NodeConfigStatus` */
export interface NodeConfigStatus {
  assigned?: NodeConfigSource | undefined;
  active?: NodeConfigSource | undefined;
  lastKnownGood?: NodeConfigSource | undefined;
  error?: string | undefined;
}

/** `core.v1.NodeDaemonEndpoints` */
export interface NodeDaemonEndpoints {
  kubeletEndpoint?: DaemonEndpoint | undefined;
}

/** `core.v1.NodeFeatures` */
export interface NodeFeatures {
  supplementalGroupsPolicy?: boolean | undefined;
}

/** `core.v1.NodeList` */
export interface NodeList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: Node[];
}

/** `core.v1.NodeRuntimeHandler` */
export interface NodeRuntimeHandler {
  name?: string | undefined;
  features?: NodeRuntimeHandlerFeatures | undefined;
}

/** `core.v1.NodeRuntimeHandlerFeatures` */
export interface NodeRuntimeHandlerFeatures {
  recursiveReadOnlyMounts?: boolean | undefined;
  userNamespaces?: boolean | undefined;
}

/** `core.v1.NodeSpec` */
export interface NodeSpec {
  podCIDR?: string | undefined;
  podCIDRs?: string[] | undefined;
  providerID?: string | undefined;
  unschedulable?: boolean | undefined;
  taints?: Taint[] | undefined;
  configSource?: NodeConfigSource | undefined;
  externalID?: string | undefined;
}

/** `core.v1.NodeStatus` */
export interface NodeStatus {
  capacity?: Record<string, Quantity> | undefined;
  allocatable?: Record<string, Quantity> | undefined;
  phase?: 'Pending' | 'Running' | 'Terminated' | undefined;
  conditions?: NodeCondition[] | undefined;
  addresses?: NodeAddress[] | undefined;
  daemonEndpoints?: NodeDaemonEndpoints | undefined;
  nodeInfo?: NodeSystemInfo | undefined;
  images?: ContainerImage[] | undefined;
  volumesInUse?: string[] | undefined;
  volumesAttached?: AttachedVolume[] | undefined;
  config?: NodeConfigStatus | undefined;
  runtimeHandlers?: NodeRuntimeHandler[] | undefined;
  features?: NodeFeatures | undefined;
  declaredFeatures?: string[] | undefined;
}

/** `core.v1.NodeSwapStatus` */
export interface NodeSwapStatus {
  capacity?: number | undefined;
}

/** `core.v1.NodeSystemInfo` */
export interface NodeSystemInfo {
  machineID: string;
  systemUUID: string;
  bootID: string;
  kernelVersion: string;
  osImage: string;
  containerRuntimeVersion: string;
  kubeletVersion: string;
  kubeProxyVersion: string;
  operatingSystem: string;
  architecture: string;
  swap?: NodeSwapStatus | undefined;
}

/** `core.v1.Taint` */
export interface Taint {
  key: string;
  value?: string | undefined;
  effect: 'NoExecute' | 'NoSchedule' | 'PreferNoSchedule';
  timeAdded?: Time | undefined;
}

/** `core.v1.Affinity` */
export interface Affinity {
  nodeAffinity?: NodeAffinity | undefined;
  podAffinity?: PodAffinity | undefined;
  podAntiAffinity?: PodAntiAffinity | undefined;
}

/** `core.v1.AppArmorProfile` */
export interface AppArmorProfile {
  type: 'Localhost' | 'RuntimeDefault' | 'Unconfined';
  localhostProfile?: string | undefined;
}

/** `core.v1.Capabilities` */
export interface Capabilities {
  add?: string[] | undefined;
  drop?: string[] | undefined;
}

/** `core.v1.ConfigMapEnvSource` */
export interface ConfigMapEnvSource {
  name?: string | undefined;
  optional?: boolean | undefined;
}

/** `core.v1.ConfigMapKeySelector` */
export interface ConfigMapKeySelector {
  name?: string | undefined;
  key: string;
  optional?: boolean | undefined;
}

/** `core.v1.Container` */
export interface Container {
  name: string;
  image?: string | undefined;
  command?: string[] | undefined;
  args?: string[] | undefined;
  workingDir?: string | undefined;
  ports?: ContainerPort[] | undefined;
  envFrom?: EnvFromSource[] | undefined;
  env?: EnvVar[] | undefined;
  resources?: ResourceRequirements | undefined;
  resizePolicy?: ContainerResizePolicy[] | undefined;
  restartPolicy?: string | undefined;
  restartPolicyRules?: ContainerRestartRule[] | undefined;
  volumeMounts?: VolumeMount[] | undefined;
  volumeDevices?: VolumeDevice[] | undefined;
  livenessProbe?: Probe | undefined;
  readinessProbe?: Probe | undefined;
  startupProbe?: Probe | undefined;
  lifecycle?: Lifecycle | undefined;
  terminationMessagePath?: string | undefined;
  terminationMessagePolicy?: 'FallbackToLogsOnError' | 'File' | undefined;
  imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never' | undefined;
  securityContext?: SecurityContext | undefined;
  stdin?: boolean | undefined;
  stdinOnce?: boolean | undefined;
  tty?: boolean | undefined;
}

/** `core.v1.ContainerExtendedResourceRequest` */
export interface ContainerExtendedResourceRequest {
  containerName: string;
  resourceName: string;
  requestName: string;
}

/** `core.v1.ContainerPort` */
export interface ContainerPort {
  name?: string | undefined;
  hostPort?: number | undefined;
  containerPort: number;
  protocol?: 'SCTP' | 'TCP' | 'UDP' | undefined;
  hostIP?: string | undefined;
}

/** `core.v1.ContainerResizePolicy` */
export interface ContainerResizePolicy {
  resourceName: string;
  restartPolicy: string;
}

/** `core.v1.ContainerRestartRule` */
export interface ContainerRestartRule {
  action: string;
  exitCodes?: ContainerRestartRuleOnExitCodes | undefined;
}

/** `core.v1.ContainerRestartRuleOnExitCodes` */
export interface ContainerRestartRuleOnExitCodes {
  operator: string;
  values?: number[] | undefined;
}

/** `core.v1.ContainerState` */
export interface ContainerState {
  waiting?: ContainerStateWaiting | undefined;
  running?: ContainerStateRunning | undefined;
  terminated?: ContainerStateTerminated | undefined;
}

/** `core.v1.ContainerStateRunning` */
export interface ContainerStateRunning {
  startedAt?: Time | undefined;
}

/** `core.v1.ContainerStateTerminated` */
export interface ContainerStateTerminated {
  exitCode: number;
  signal?: number | undefined;
  reason?: string | undefined;
  message?: string | undefined;
  startedAt?: Time | undefined;
  finishedAt?: Time | undefined;
  containerID?: string | undefined;
}

/** `core.v1.ContainerStateWaiting` */
export interface ContainerStateWaiting {
  reason?: string | undefined;
  message?: string | undefined;
}

/** `core.v1.ContainerStatus` */
export interface ContainerStatus {
  name: string;
  state?: ContainerState | undefined;
  lastState?: ContainerState | undefined;
  ready: boolean;
  restartCount: number;
  image: string;
  imageID: string;
  containerID?: string | undefined;
  started?: boolean | undefined;
  allocatedResources?: Record<string, Quantity> | undefined;
  resources?: ResourceRequirements | undefined;
  volumeMounts?: VolumeMountStatus[] | undefined;
  user?: ContainerUser | undefined;
  allocatedResourcesStatus?: ResourceStatus[] | undefined;
  stopSignal?: 'SIGABRT' | 'SIGALRM' | 'SIGBUS' | 'SIGCHLD' | 'SIGCLD' | 'SIGCONT' | 'SIGFPE' | 'SIGHUP' | 'SIGILL' | 'SIGINT' | 'SIGIO' | 'SIGIOT' | 'SIGKILL' | 'SIGPIPE' | 'SIGPOLL' | 'SIGPROF' | 'SIGPWR' | 'SIGQUIT' | 'SIGRTMAX' | 'SIGRTMAX-1' | 'SIGRTMAX-10' | 'SIGRTMAX-11' | 'SIGRTMAX-12' | 'SIGRTMAX-13' | 'SIGRTMAX-14' | 'SIGRTMAX-2' | 'SIGRTMAX-3' | 'SIGRTMAX-4' | 'SIGRTMAX-5' | 'SIGRTMAX-6' | 'SIGRTMAX-7' | 'SIGRTMAX-8' | 'SIGRTMAX-9' | 'SIGRTMIN' | 'SIGRTMIN+1' | 'SIGRTMIN+10' | 'SIGRTMIN+11' | 'SIGRTMIN+12' | 'SIGRTMIN+13' | 'SIGRTMIN+14' | 'SIGRTMIN+15' | 'SIGRTMIN+2' | 'SIGRTMIN+3' | 'SIGRTMIN+4' | 'SIGRTMIN+5' | 'SIGRTMIN+6' | 'SIGRTMIN+7' | 'SIGRTMIN+8' | 'SIGRTMIN+9' | 'SIGSEGV' | 'SIGSTKFLT' | 'SIGSTOP' | 'SIGSYS' | 'SIGTERM' | 'SIGTRAP' | 'SIGTSTP' | 'SIGTTIN' | 'SIGTTOU' | 'SIGURG' | 'SIGUSR1' | 'SIGUSR2' | 'SIGVTALRM' | 'SIGWINCH' | 'SIGXCPU' | 'SIGXFSZ' | undefined;
}

/** `core.v1.ContainerUser` */
export interface ContainerUser {
  linux?: LinuxContainerUser | undefined;
}

/** `core.v1.EnvFromSource` */
export interface EnvFromSource {
  prefix?: string | undefined;
  configMapRef?: ConfigMapEnvSource | undefined;
  secretRef?: SecretEnvSource | undefined;
}

/** `core.v1.EnvVar` */
export interface EnvVar {
  name: string;
  value?: string | undefined;
  valueFrom?: EnvVarSource | undefined;
}

/** `core.v1.EnvVarSource` */
export interface EnvVarSource {
  fieldRef?: ObjectFieldSelector | undefined;
  resourceFieldRef?: ResourceFieldSelector | undefined;
  configMapKeyRef?: ConfigMapKeySelector | undefined;
  secretKeyRef?: SecretKeySelector | undefined;
  fileKeyRef?: FileKeySelector | undefined;
}

/** `core.v1.EphemeralContainer` */
export interface EphemeralContainer {
  name: string;
  image?: string | undefined;
  command?: string[] | undefined;
  args?: string[] | undefined;
  workingDir?: string | undefined;
  ports?: ContainerPort[] | undefined;
  envFrom?: EnvFromSource[] | undefined;
  env?: EnvVar[] | undefined;
  resources?: ResourceRequirements | undefined;
  resizePolicy?: ContainerResizePolicy[] | undefined;
  restartPolicy?: string | undefined;
  restartPolicyRules?: ContainerRestartRule[] | undefined;
  volumeMounts?: VolumeMount[] | undefined;
  volumeDevices?: VolumeDevice[] | undefined;
  livenessProbe?: Probe | undefined;
  readinessProbe?: Probe | undefined;
  startupProbe?: Probe | undefined;
  lifecycle?: Lifecycle | undefined;
  terminationMessagePath?: string | undefined;
  terminationMessagePolicy?: 'FallbackToLogsOnError' | 'File' | undefined;
  imagePullPolicy?: 'Always' | 'IfNotPresent' | 'Never' | undefined;
  securityContext?: SecurityContext | undefined;
  stdin?: boolean | undefined;
  stdinOnce?: boolean | undefined;
  tty?: boolean | undefined;
  targetContainerName?: string | undefined;
}

/** `core.v1.ExecAction` */
export interface ExecAction {
  command?: string[] | undefined;
}

/** `core.v1.FileKeySelector` */
export interface FileKeySelector {
  volumeName: string;
  path: string;
  key: string;
  optional?: boolean | undefined;
}

/** `core.v1.GRPCAction` */
export interface GRPCAction {
  port: number;
  service?: string | undefined;
}

/** `core.v1.HTTPGetAction` */
export interface HTTPGetAction {
  path?: string | undefined;
  port: IntOrString;
  host?: string | undefined;
  scheme?: 'HTTP' | 'HTTPS' | undefined;
  httpHeaders?: HTTPHeader[] | undefined;
}

/** `core.v1.HTTPHeader` */
export interface HTTPHeader {
  name: string;
  value: string;
}

/** `core.v1.HostAlias` */
export interface HostAlias {
  ip: string;
  hostnames?: string[] | undefined;
}

/** `core.v1.HostIP` */
export interface HostIP {
  ip: string;
}

/** `core.v1.Lifecycle` */
export interface Lifecycle {
  postStart?: LifecycleHandler | undefined;
  preStop?: LifecycleHandler | undefined;
  stopSignal?: 'SIGABRT' | 'SIGALRM' | 'SIGBUS' | 'SIGCHLD' | 'SIGCLD' | 'SIGCONT' | 'SIGFPE' | 'SIGHUP' | 'SIGILL' | 'SIGINT' | 'SIGIO' | 'SIGIOT' | 'SIGKILL' | 'SIGPIPE' | 'SIGPOLL' | 'SIGPROF' | 'SIGPWR' | 'SIGQUIT' | 'SIGRTMAX' | 'SIGRTMAX-1' | 'SIGRTMAX-10' | 'SIGRTMAX-11' | 'SIGRTMAX-12' | 'SIGRTMAX-13' | 'SIGRTMAX-14' | 'SIGRTMAX-2' | 'SIGRTMAX-3' | 'SIGRTMAX-4' | 'SIGRTMAX-5' | 'SIGRTMAX-6' | 'SIGRTMAX-7' | 'SIGRTMAX-8' | 'SIGRTMAX-9' | 'SIGRTMIN' | 'SIGRTMIN+1' | 'SIGRTMIN+10' | 'SIGRTMIN+11' | 'SIGRTMIN+12' | 'SIGRTMIN+13' | 'SIGRTMIN+14' | 'SIGRTMIN+15' | 'SIGRTMIN+2' | 'SIGRTMIN+3' | 'SIGRTMIN+4' | 'SIGRTMIN+5' | 'SIGRTMIN+6' | 'SIGRTMIN+7' | 'SIGRTMIN+8' | 'SIGRTMIN+9' | 'SIGSEGV' | 'SIGSTKFLT' | 'SIGSTOP' | 'SIGSYS' | 'SIGTERM' | 'SIGTRAP' | 'SIGTSTP' | 'SIGTTIN' | 'SIGTTOU' | 'SIGURG' | 'SIGUSR1' | 'SIGUSR2' | 'SIGVTALRM' | 'SIGWINCH' | 'SIGXCPU' | 'SIGXFSZ' | undefined;
}

/** `core.v1.LifecycleHandler` */
export interface LifecycleHandler {
  exec?: ExecAction | undefined;
  httpGet?: HTTPGetAction | undefined;
  tcpSocket?: TCPSocketAction | undefined;
  sleep?: SleepAction | undefined;
}

/** `core.v1.NodeAffinity` */
export interface NodeAffinity {
  requiredDuringSchedulingIgnoredDuringExecution?: NodeSelector | undefined;
  preferredDuringSchedulingIgnoredDuringExecution?: PreferredSchedulingTerm[] | undefined;
}

/** `core.v1.NodeSelector` */
export interface NodeSelector {
  nodeSelectorTerms: NodeSelectorTerm[];
}

/** `core.v1.NodeSelectorRequirement` */
export interface NodeSelectorRequirement {
  key: string;
  operator: 'DoesNotExist' | 'Exists' | 'Gt' | 'In' | 'Lt' | 'NotIn';
  values?: string[] | undefined;
}

/** `core.v1.NodeSelectorTerm` */
export interface NodeSelectorTerm {
  matchExpressions?: NodeSelectorRequirement[] | undefined;
  matchFields?: NodeSelectorRequirement[] | undefined;
}

/** `core.v1.ObjectFieldSelector` */
export interface ObjectFieldSelector {
  apiVersion?: string | undefined;
  fieldPath: string;
}

/** `core.v1.Pod` */
export interface Pod {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: PodSpec | undefined;
  status?: PodStatus | undefined;
}

/** `core.v1.PodAffinity` */
export interface PodAffinity {
  requiredDuringSchedulingIgnoredDuringExecution?: PodAffinityTerm[] | undefined;
  preferredDuringSchedulingIgnoredDuringExecution?: WeightedPodAffinityTerm[] | undefined;
}

/** `core.v1.PodAffinityTerm` */
export interface PodAffinityTerm {
  labelSelector?: LabelSelector | undefined;
  namespaces?: string[] | undefined;
  topologyKey: string;
  namespaceSelector?: LabelSelector | undefined;
  matchLabelKeys?: string[] | undefined;
  mismatchLabelKeys?: string[] | undefined;
}

/** `core.v1.PodAntiAffinity` */
export interface PodAntiAffinity {
  requiredDuringSchedulingIgnoredDuringExecution?: PodAffinityTerm[] | undefined;
  preferredDuringSchedulingIgnoredDuringExecution?: WeightedPodAffinityTerm[] | undefined;
}

/** `core.v1.PodCondition` */
export interface PodCondition {
  type: string;
  observedGeneration?: number | undefined;
  status: string;
  lastProbeTime?: Time | undefined;
  lastTransitionTime?: Time | undefined;
  reason?: string | undefined;
  message?: string | undefined;
}

/** `core.v1.PodDNSConfig` */
export interface PodDNSConfig {
  nameservers?: string[] | undefined;
  searches?: string[] | undefined;
  options?: PodDNSConfigOption[] | undefined;
}

/** `core.v1.PodDNSConfigOption` */
export interface PodDNSConfigOption {
  name?: string | undefined;
  value?: string | undefined;
}

/** `core.v1.PodExtendedResourceClaimStatus` */
export interface PodExtendedResourceClaimStatus {
  requestMappings: ContainerExtendedResourceRequest[];
  resourceClaimName: string;
}

/** `core.v1.PodIP` */
export interface PodIP {
  ip: string;
}

/** `core.v1.PodList` */
export interface PodList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: Pod[];
}

/** `core.v1.PodOS` */
export interface PodOS {
  name: string;
}

/** `core.v1.PodReadinessGate` */
export interface PodReadinessGate {
  conditionType: string;
}

/** `core.v1.PodResourceClaim` */
export interface PodResourceClaim {
  name: string;
  resourceClaimName?: string | undefined;
  resourceClaimTemplateName?: string | undefined;
}

/** `core.v1.PodResourceClaimStatus` */
export interface PodResourceClaimStatus {
  name: string;
  resourceClaimName?: string | undefined;
}

/** `core.v1.PodSchedulingGate` */
export interface PodSchedulingGate {
  name: string;
}

/** `core.v1.PodSchedulingGroup` */
export interface PodSchedulingGroup {
  podGroupName?: string | undefined;
}

/** `core.v1.PodSecurityContext` */
export interface PodSecurityContext {
  seLinuxOptions?: SELinuxOptions | undefined;
  windowsOptions?: WindowsSecurityContextOptions | undefined;
  runAsUser?: number | undefined;
  runAsGroup?: number | undefined;
  runAsNonRoot?: boolean | undefined;
  supplementalGroups?: number[] | undefined;
  supplementalGroupsPolicy?: 'Merge' | 'Strict' | undefined;
  fsGroup?: number | undefined;
  sysctls?: Sysctl[] | undefined;
  fsGroupChangePolicy?: 'Always' | 'OnRootMismatch' | undefined;
  seccompProfile?: SeccompProfile | undefined;
  appArmorProfile?: AppArmorProfile | undefined;
  seLinuxChangePolicy?: string | undefined;
}

/** `core.v1.PodSpec` */
export interface PodSpec {
  volumes?: Volume[] | undefined;
  initContainers?: Container[] | undefined;
  containers: Container[];
  ephemeralContainers?: EphemeralContainer[] | undefined;
  restartPolicy?: 'Always' | 'Never' | 'OnFailure' | undefined;
  terminationGracePeriodSeconds?: number | undefined;
  activeDeadlineSeconds?: number | undefined;
  dnsPolicy?: 'ClusterFirst' | 'ClusterFirstWithHostNet' | 'Default' | 'None' | undefined;
  nodeSelector?: Record<string, string> | undefined;
  serviceAccountName?: string | undefined;
  serviceAccount?: string | undefined;
  automountServiceAccountToken?: boolean | undefined;
  nodeName?: string | undefined;
  hostNetwork?: boolean | undefined;
  hostPID?: boolean | undefined;
  hostIPC?: boolean | undefined;
  shareProcessNamespace?: boolean | undefined;
  securityContext?: PodSecurityContext | undefined;
  imagePullSecrets?: LocalObjectReference[] | undefined;
  hostname?: string | undefined;
  subdomain?: string | undefined;
  affinity?: Affinity | undefined;
  schedulerName?: string | undefined;
  tolerations?: Toleration[] | undefined;
  hostAliases?: HostAlias[] | undefined;
  priorityClassName?: string | undefined;
  priority?: number | undefined;
  dnsConfig?: PodDNSConfig | undefined;
  readinessGates?: PodReadinessGate[] | undefined;
  runtimeClassName?: string | undefined;
  enableServiceLinks?: boolean | undefined;
  preemptionPolicy?: 'Never' | 'PreemptLowerPriority' | undefined;
  overhead?: Record<string, Quantity> | undefined;
  topologySpreadConstraints?: TopologySpreadConstraint[] | undefined;
  setHostnameAsFQDN?: boolean | undefined;
  os?: PodOS | undefined;
  hostUsers?: boolean | undefined;
  schedulingGates?: PodSchedulingGate[] | undefined;
  resourceClaims?: PodResourceClaim[] | undefined;
  resources?: ResourceRequirements | undefined;
  hostnameOverride?: string | undefined;
  schedulingGroup?: PodSchedulingGroup | undefined;
}

/** `core.v1.PodStatus` */
export interface PodStatus {
  observedGeneration?: number | undefined;
  phase?: 'Failed' | 'Pending' | 'Running' | 'Succeeded' | 'Unknown' | undefined;
  conditions?: PodCondition[] | undefined;
  message?: string | undefined;
  reason?: string | undefined;
  nominatedNodeName?: string | undefined;
  hostIP?: string | undefined;
  hostIPs?: HostIP[] | undefined;
  podIP?: string | undefined;
  podIPs?: PodIP[] | undefined;
  startTime?: Time | undefined;
  initContainerStatuses?: ContainerStatus[] | undefined;
  containerStatuses?: ContainerStatus[] | undefined;
  qosClass?: 'BestEffort' | 'Burstable' | 'Guaranteed' | undefined;
  ephemeralContainerStatuses?: ContainerStatus[] | undefined;
  resize?: string | undefined;
  resourceClaimStatuses?: PodResourceClaimStatus[] | undefined;
  extendedResourceClaimStatus?: PodExtendedResourceClaimStatus | undefined;
  allocatedResources?: Record<string, Quantity> | undefined;
  resources?: ResourceRequirements | undefined;
  nodeAllocatableResourceClaimStatuses?: NodeAllocatableResourceClaimStatus[] | undefined;
}

/** `core.v1.PodTemplate` */
export interface PodTemplate {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  template?: PodTemplateSpec | undefined;
}

/** `core.v1.PodTemplateList` */
export interface PodTemplateList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: PodTemplate[];
}

/** `core.v1.PodTemplateSpec` */
export interface PodTemplateSpec {
  metadata?: ObjectMeta | undefined;
  spec?: PodSpec | undefined;
}

/** `core.v1.PreferredSchedulingTerm` */
export interface PreferredSchedulingTerm {
  weight: number;
  preference: NodeSelectorTerm;
}

/** `core.v1.Probe` */
export interface Probe {
  exec?: ExecAction | undefined;
  httpGet?: HTTPGetAction | undefined;
  tcpSocket?: TCPSocketAction | undefined;
  grpc?: GRPCAction | undefined;
  initialDelaySeconds?: number | undefined;
  timeoutSeconds?: number | undefined;
  periodSeconds?: number | undefined;
  successThreshold?: number | undefined;
  failureThreshold?: number | undefined;
  terminationGracePeriodSeconds?: number | undefined;
}

/** `core.v1.ResourceClaim` */
export interface ResourceClaim {
  name: string;
  request?: string | undefined;
}

/** `core.v1.ResourceFieldSelector` */
export interface ResourceFieldSelector {
  containerName?: string | undefined;
  resource: string;
  divisor?: Quantity | undefined;
}

/** `core.v1.ResourceHealth` */
export interface ResourceHealth {
  resourceID: string;
  health?: string | undefined;
  message?: string | undefined;
}

/** `core.v1.ResourceRequirements` */
export interface ResourceRequirements {
  limits?: Record<string, Quantity> | undefined;
  requests?: Record<string, Quantity> | undefined;
  claims?: ResourceClaim[] | undefined;
}

/** `core.v1.ResourceStatus` */
export interface ResourceStatus {
  name: string;
  resources?: ResourceHealth[] | undefined;
}

/** `core.v1.SELinuxOptions` */
export interface SELinuxOptions {
  user?: string | undefined;
  role?: string | undefined;
  type?: string | undefined;
  level?: string | undefined;
}

/** `core.v1.SeccompProfile` */
export interface SeccompProfile {
  type: 'Localhost' | 'RuntimeDefault' | 'Unconfined';
  localhostProfile?: string | undefined;
}

/** `core.v1.SecretEnvSource` */
export interface SecretEnvSource {
  name?: string | undefined;
  optional?: boolean | undefined;
}

/** `core.v1.SecretKeySelector` */
export interface SecretKeySelector {
  name?: string | undefined;
  key: string;
  optional?: boolean | undefined;
}

/** `core.v1.SecurityContext` */
export interface SecurityContext {
  capabilities?: Capabilities | undefined;
  privileged?: boolean | undefined;
  seLinuxOptions?: SELinuxOptions | undefined;
  windowsOptions?: WindowsSecurityContextOptions | undefined;
  runAsUser?: number | undefined;
  runAsGroup?: number | undefined;
  runAsNonRoot?: boolean | undefined;
  readOnlyRootFilesystem?: boolean | undefined;
  allowPrivilegeEscalation?: boolean | undefined;
  procMount?: 'Default' | 'Unmasked' | undefined;
  seccompProfile?: SeccompProfile | undefined;
  appArmorProfile?: AppArmorProfile | undefined;
}

/** `core.v1.SleepAction` */
export interface SleepAction {
  seconds: number;
}

/** `core.v1.Sysctl` */
export interface Sysctl {
  name: string;
  value: string;
}

/** `core.v1.TCPSocketAction` */
export interface TCPSocketAction {
  port: IntOrString;
  host?: string | undefined;
}

/** `core.v1.Toleration` */
export interface Toleration {
  key?: string | undefined;
  operator?: 'Equal' | 'Exists' | undefined;
  value?: string | undefined;
  effect?: 'NoExecute' | 'NoSchedule' | 'PreferNoSchedule' | undefined;
  tolerationSeconds?: number | undefined;
}

/** `core.v1.TopologySpreadConstraint` */
export interface TopologySpreadConstraint {
  maxSkew: number;
  topologyKey: string;
  whenUnsatisfiable: 'DoNotSchedule' | 'ScheduleAnyway';
  labelSelector?: LabelSelector | undefined;
  minDomains?: number | undefined;
  nodeAffinityPolicy?: 'Honor' | 'Ignore' | undefined;
  nodeTaintsPolicy?: 'Honor' | 'Ignore' | undefined;
  matchLabelKeys?: string[] | undefined;
}

/** `core.v1.WeightedPodAffinityTerm` */
export interface WeightedPodAffinityTerm {
  weight: number;
  podAffinityTerm: PodAffinityTerm;
}

/** `core.v1.WindowsSecurityContextOptions` */
export interface WindowsSecurityContextOptions {
  gmsaCredentialSpecName?: string | undefined;
  gmsaCredentialSpec?: string | undefined;
  runAsUserName?: string | undefined;
  hostProcess?: boolean | undefined;
}

/** `core.v1.LimitRange` */
export interface LimitRange {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: LimitRangeSpec | undefined;
}

/** `core.v1.LimitRangeItem` */
export interface LimitRangeItem {
  type: string;
  max?: Record<string, Quantity> | undefined;
  min?: Record<string, Quantity> | undefined;
  default?: Record<string, Quantity> | undefined;
  defaultRequest?: Record<string, Quantity> | undefined;
  maxLimitRequestRatio?: Record<string, Quantity> | undefined;
}

/** `core.v1.LimitRangeList` */
export interface LimitRangeList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: LimitRange[];
}

/** `core.v1.LimitRangeSpec` */
export interface LimitRangeSpec {
  limits: LimitRangeItem[];
}

/** `core.v1.ResourceQuota` */
export interface ResourceQuota {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: ResourceQuotaSpec | undefined;
  status?: ResourceQuotaStatus | undefined;
}

/** `core.v1.ResourceQuotaList` */
export interface ResourceQuotaList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: ResourceQuota[];
}

/** `core.v1.ResourceQuotaSpec` */
export interface ResourceQuotaSpec {
  hard?: Record<string, Quantity> | undefined;
  scopes?: ('BestEffort' | 'CrossNamespacePodAffinity' | 'NotBestEffort' | 'NotTerminating' | 'PriorityClass' | 'Terminating' | 'VolumeAttributesClass')[] | undefined;
  scopeSelector?: ScopeSelector | undefined;
}

/** `core.v1.ResourceQuotaStatus` */
export interface ResourceQuotaStatus {
  hard?: Record<string, Quantity> | undefined;
  used?: Record<string, Quantity> | undefined;
}

/** `core.v1.ScopeSelector` */
export interface ScopeSelector {
  matchExpressions?: ScopedResourceSelectorRequirement[] | undefined;
}

/** `core.v1.ScopedResourceSelectorRequirement` */
export interface ScopedResourceSelectorRequirement {
  scopeName: 'BestEffort' | 'CrossNamespacePodAffinity' | 'NotBestEffort' | 'NotTerminating' | 'PriorityClass' | 'Terminating' | 'VolumeAttributesClass';
  operator: 'DoesNotExist' | 'Exists' | 'In' | 'NotIn';
  values?: string[] | undefined;
}

/** `core.v1.PersistentVolumeClaimList` */
export interface PersistentVolumeClaimList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: PersistentVolumeClaim[];
}

/** `core.v1.ReplicationController` */
export interface ReplicationController {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: ReplicationControllerSpec | undefined;
  status?: ReplicationControllerStatus | undefined;
}

/** `core.v1.ReplicationControllerCondition` */
export interface ReplicationControllerCondition {
  type: string;
  status: string;
  lastTransitionTime?: Time | undefined;
  reason?: string | undefined;
  message?: string | undefined;
}

/** `core.v1.ReplicationControllerList` */
export interface ReplicationControllerList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: ReplicationController[];
}

/** `core.v1.ReplicationControllerSpec` */
export interface ReplicationControllerSpec {
  replicas?: number | undefined;
  minReadySeconds?: number | undefined;
  selector?: Record<string, string> | undefined;
  template?: PodTemplateSpec | undefined;
}

/** `core.v1.ReplicationControllerStatus` */
export interface ReplicationControllerStatus {
  replicas: number;
  fullyLabeledReplicas?: number | undefined;
  readyReplicas?: number | undefined;
  availableReplicas?: number | undefined;
  observedGeneration?: number | undefined;
  conditions?: ReplicationControllerCondition[] | undefined;
}

/** `core.v1.TopologySelectorLabelRequirement` */
export interface TopologySelectorLabelRequirement {
  key: string;
  values: string[];
}

/** `core.v1.TopologySelectorTerm` */
export interface TopologySelectorTerm {
  matchLabelExpressions?: TopologySelectorLabelRequirement[] | undefined;
}

/** `core.v1.AWSElasticBlockStoreVolumeSource` */
export interface AWSElasticBlockStoreVolumeSource {
  volumeID: string;
  fsType?: string | undefined;
  partition?: number | undefined;
  readOnly?: boolean | undefined;
}

/** `core.v1.AttachedVolume` */
export interface AttachedVolume {
  name: string;
  devicePath: string;
}

/** `core.v1.AzureDiskVolumeSource` */
export interface AzureDiskVolumeSource {
  diskName: string;
  diskURI: string;
  cachingMode?: 'None' | 'ReadOnly' | 'ReadWrite' | undefined;
  fsType?: string | undefined;
  readOnly?: boolean | undefined;
  kind?: 'Dedicated' | 'Managed' | 'Shared' | undefined;
}

/** `core.v1.AzureFileVolumeSource` */
export interface AzureFileVolumeSource {
  secretName: string;
  shareName: string;
  readOnly?: boolean | undefined;
}

/** `core.v1.CSIVolumeSource` */
export interface CSIVolumeSource {
  driver: string;
  readOnly?: boolean | undefined;
  fsType?: string | undefined;
  volumeAttributes?: Record<string, string> | undefined;
  nodePublishSecretRef?: LocalObjectReference | undefined;
}

/** `core.v1.CephFSVolumeSource` */
export interface CephFSVolumeSource {
  monitors: string[];
  path?: string | undefined;
  user?: string | undefined;
  secretFile?: string | undefined;
  secretRef?: LocalObjectReference | undefined;
  readOnly?: boolean | undefined;
}

/** `core.v1.CinderVolumeSource` */
export interface CinderVolumeSource {
  volumeID: string;
  fsType?: string | undefined;
  readOnly?: boolean | undefined;
  secretRef?: LocalObjectReference | undefined;
}

/** `core.v1.ClusterTrustBundleProjection` */
export interface ClusterTrustBundleProjection {
  name?: string | undefined;
  signerName?: string | undefined;
  labelSelector?: LabelSelector | undefined;
  optional?: boolean | undefined;
  path: string;
}

/** `core.v1.ConfigMapProjection` */
export interface ConfigMapProjection {
  name?: string | undefined;
  items?: KeyToPath[] | undefined;
  optional?: boolean | undefined;
}

/** `core.v1.ConfigMapVolumeSource` */
export interface ConfigMapVolumeSource {
  name?: string | undefined;
  items?: KeyToPath[] | undefined;
  defaultMode?: number | undefined;
  optional?: boolean | undefined;
}

/** `core.v1.DownwardAPIProjection` */
export interface DownwardAPIProjection {
  items?: DownwardAPIVolumeFile[] | undefined;
}

/** `core.v1.DownwardAPIVolumeFile` */
export interface DownwardAPIVolumeFile {
  path: string;
  fieldRef?: ObjectFieldSelector | undefined;
  resourceFieldRef?: ResourceFieldSelector | undefined;
  mode?: number | undefined;
}

/** `core.v1.DownwardAPIVolumeSource` */
export interface DownwardAPIVolumeSource {
  items?: DownwardAPIVolumeFile[] | undefined;
  defaultMode?: number | undefined;
}

/** `core.v1.EmptyDirVolumeSource` */
export interface EmptyDirVolumeSource {
  medium?: string | undefined;
  sizeLimit?: Quantity | undefined;
}

/** `core.v1.EphemeralVolumeSource` */
export interface EphemeralVolumeSource {
  volumeClaimTemplate?: PersistentVolumeClaimTemplate | undefined;
}

/** `core.v1.FCVolumeSource` */
export interface FCVolumeSource {
  targetWWNs?: string[] | undefined;
  lun?: number | undefined;
  fsType?: string | undefined;
  readOnly?: boolean | undefined;
  wwids?: string[] | undefined;
}

/** `core.v1.FlexVolumeSource` */
export interface FlexVolumeSource {
  driver: string;
  fsType?: string | undefined;
  secretRef?: LocalObjectReference | undefined;
  readOnly?: boolean | undefined;
  options?: Record<string, string> | undefined;
}

/** `core.v1.FlockerVolumeSource` */
export interface FlockerVolumeSource {
  datasetName?: string | undefined;
  datasetUUID?: string | undefined;
}

/** `core.v1.GCEPersistentDiskVolumeSource` */
export interface GCEPersistentDiskVolumeSource {
  pdName: string;
  fsType?: string | undefined;
  partition?: number | undefined;
  readOnly?: boolean | undefined;
}

/** `core.v1.GitRepoVolumeSource` */
export interface GitRepoVolumeSource {
  repository: string;
  revision?: string | undefined;
  directory?: string | undefined;
}

/** `core.v1.GlusterfsVolumeSource` */
export interface GlusterfsVolumeSource {
  endpoints: string;
  path: string;
  readOnly?: boolean | undefined;
}

/** `core.v1.HostPathVolumeSource` */
export interface HostPathVolumeSource {
  path: string;
  type?: '' | 'BlockDevice' | 'CharDevice' | 'Directory' | 'DirectoryOrCreate' | 'File' | 'FileOrCreate' | 'Socket' | undefined;
}

/** `core.v1.ISCSIVolumeSource` */
export interface ISCSIVolumeSource {
  targetPortal: string;
  iqn: string;
  lun: number;
  iscsiInterface?: string | undefined;
  fsType?: string | undefined;
  readOnly?: boolean | undefined;
  portals?: string[] | undefined;
  chapAuthDiscovery?: boolean | undefined;
  chapAuthSession?: boolean | undefined;
  secretRef?: LocalObjectReference | undefined;
  initiatorName?: string | undefined;
}

/** `core.v1.ImageVolumeSource` */
export interface ImageVolumeSource {
  reference?: string | undefined;
  pullPolicy?: 'Always' | 'IfNotPresent' | 'Never' | undefined;
}

/** `core.v1.ImageVolumeStatus` */
export interface ImageVolumeStatus {
  imageRef?: string | undefined;
}

/** `core.v1.KeyToPath` */
export interface KeyToPath {
  key: string;
  path: string;
  mode?: number | undefined;
}

/** `core.v1.ModifyVolumeStatus` */
export interface ModifyVolumeStatus {
  targetVolumeAttributesClassName?: string | undefined;
  status: 'InProgress' | 'Infeasible' | 'Pending';
}

/** `core.v1.NFSVolumeSource` */
export interface NFSVolumeSource {
  server: string;
  path: string;
  readOnly?: boolean | undefined;
}

/** `core.v1.PersistentVolumeClaim` */
export interface PersistentVolumeClaim {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: PersistentVolumeClaimSpec | undefined;
  status?: PersistentVolumeClaimStatus | undefined;
}

/** `core.v1.PersistentVolumeClaimCondition` */
export interface PersistentVolumeClaimCondition {
  type: string;
  status: string;
  lastProbeTime?: Time | undefined;
  lastTransitionTime?: Time | undefined;
  reason?: string | undefined;
  message?: string | undefined;
}

/** `core.v1.PersistentVolumeClaimSpec` */
export interface PersistentVolumeClaimSpec {
  accessModes?: ('ReadOnlyMany' | 'ReadWriteMany' | 'ReadWriteOnce' | 'ReadWriteOncePod')[] | undefined;
  selector?: LabelSelector | undefined;
  resources?: VolumeResourceRequirements | undefined;
  volumeName?: string | undefined;
  storageClassName?: string | undefined;
  volumeMode?: 'Block' | 'Filesystem' | undefined;
  dataSource?: TypedLocalObjectReference | undefined;
  dataSourceRef?: TypedObjectReference | undefined;
  volumeAttributesClassName?: string | undefined;
}

/** `core.v1.PersistentVolumeClaimStatus` */
export interface PersistentVolumeClaimStatus {
  phase?: 'Bound' | 'Lost' | 'Pending' | undefined;
  accessModes?: ('ReadOnlyMany' | 'ReadWriteMany' | 'ReadWriteOnce' | 'ReadWriteOncePod')[] | undefined;
  capacity?: Record<string, Quantity> | undefined;
  conditions?: PersistentVolumeClaimCondition[] | undefined;
  allocatedResources?: Record<string, Quantity> | undefined;
  allocatedResourceStatuses?: Record<string, 'ControllerResizeInProgress' | 'ControllerResizeInfeasible' | 'NodeResizeInProgress' | 'NodeResizeInfeasible' | 'NodeResizePending'> | undefined;
  currentVolumeAttributesClassName?: string | undefined;
  modifyVolumeStatus?: ModifyVolumeStatus | undefined;
}

/** `core.v1.PersistentVolumeClaimTemplate` */
export interface PersistentVolumeClaimTemplate {
  metadata?: ObjectMeta | undefined;
  spec: PersistentVolumeClaimSpec;
}

/** `core.v1.PersistentVolumeClaimVolumeSource` */
export interface PersistentVolumeClaimVolumeSource {
  claimName: string;
  readOnly?: boolean | undefined;
}

/** `core.v1.PhotonPersistentDiskVolumeSource` */
export interface PhotonPersistentDiskVolumeSource {
  pdID: string;
  fsType?: string | undefined;
}

/** `core.v1.PodCertificateProjection` */
export interface PodCertificateProjection {
  signerName: string;
  keyType: string;
  maxExpirationSeconds?: number | undefined;
  credentialBundlePath?: string | undefined;
  keyPath?: string | undefined;
  certificateChainPath?: string | undefined;
  userAnnotations?: Record<string, string> | undefined;
}

/** `core.v1.PortworxVolumeSource` */
export interface PortworxVolumeSource {
  volumeID: string;
  fsType?: string | undefined;
  readOnly?: boolean | undefined;
}

/** `core.v1.ProjectedVolumeSource` */
export interface ProjectedVolumeSource {
  sources?: VolumeProjection[] | undefined;
  defaultMode?: number | undefined;
}

/** `core.v1.QuobyteVolumeSource` */
export interface QuobyteVolumeSource {
  registry: string;
  volume: string;
  readOnly?: boolean | undefined;
  user?: string | undefined;
  group?: string | undefined;
  tenant?: string | undefined;
}

/** `core.v1.RBDVolumeSource` */
export interface RBDVolumeSource {
  monitors: string[];
  image: string;
  fsType?: string | undefined;
  pool?: string | undefined;
  user?: string | undefined;
  keyring?: string | undefined;
  secretRef?: LocalObjectReference | undefined;
  readOnly?: boolean | undefined;
}

/** `core.v1.ScaleIOVolumeSource` */
export interface ScaleIOVolumeSource {
  gateway: string;
  system: string;
  secretRef: LocalObjectReference;
  sslEnabled?: boolean | undefined;
  protectionDomain?: string | undefined;
  storagePool?: string | undefined;
  storageMode?: string | undefined;
  volumeName?: string | undefined;
  fsType?: string | undefined;
  readOnly?: boolean | undefined;
}

/** `core.v1.SecretProjection` */
export interface SecretProjection {
  name?: string | undefined;
  items?: KeyToPath[] | undefined;
  optional?: boolean | undefined;
}

/** `core.v1.SecretVolumeSource` */
export interface SecretVolumeSource {
  secretName?: string | undefined;
  items?: KeyToPath[] | undefined;
  defaultMode?: number | undefined;
  optional?: boolean | undefined;
}

/** `core.v1.ServiceAccountTokenProjection` */
export interface ServiceAccountTokenProjection {
  audience?: string | undefined;
  expirationSeconds?: number | undefined;
  path: string;
}

/** `core.v1.StorageOSVolumeSource` */
export interface StorageOSVolumeSource {
  volumeName?: string | undefined;
  volumeNamespace?: string | undefined;
  fsType?: string | undefined;
  readOnly?: boolean | undefined;
  secretRef?: LocalObjectReference | undefined;
}

/** `core.v1.Volume` */
export interface Volume {
  name: string;
  hostPath?: HostPathVolumeSource | undefined;
  emptyDir?: EmptyDirVolumeSource | undefined;
  gcePersistentDisk?: GCEPersistentDiskVolumeSource | undefined;
  awsElasticBlockStore?: AWSElasticBlockStoreVolumeSource | undefined;
  gitRepo?: GitRepoVolumeSource | undefined;
  secret?: SecretVolumeSource | undefined;
  nfs?: NFSVolumeSource | undefined;
  iscsi?: ISCSIVolumeSource | undefined;
  glusterfs?: GlusterfsVolumeSource | undefined;
  persistentVolumeClaim?: PersistentVolumeClaimVolumeSource | undefined;
  rbd?: RBDVolumeSource | undefined;
  flexVolume?: FlexVolumeSource | undefined;
  cinder?: CinderVolumeSource | undefined;
  cephfs?: CephFSVolumeSource | undefined;
  flocker?: FlockerVolumeSource | undefined;
  downwardAPI?: DownwardAPIVolumeSource | undefined;
  fc?: FCVolumeSource | undefined;
  azureFile?: AzureFileVolumeSource | undefined;
  configMap?: ConfigMapVolumeSource | undefined;
  vsphereVolume?: VsphereVirtualDiskVolumeSource | undefined;
  quobyte?: QuobyteVolumeSource | undefined;
  azureDisk?: AzureDiskVolumeSource | undefined;
  photonPersistentDisk?: PhotonPersistentDiskVolumeSource | undefined;
  projected?: ProjectedVolumeSource | undefined;
  portworxVolume?: PortworxVolumeSource | undefined;
  scaleIO?: ScaleIOVolumeSource | undefined;
  storageos?: StorageOSVolumeSource | undefined;
  csi?: CSIVolumeSource | undefined;
  ephemeral?: EphemeralVolumeSource | undefined;
  image?: ImageVolumeSource | undefined;
}

/** `core.v1.VolumeDevice` */
export interface VolumeDevice {
  name: string;
  devicePath: string;
}

/** `core.v1.VolumeMount` */
export interface VolumeMount {
  name: string;
  readOnly?: boolean | undefined;
  recursiveReadOnly?: string | undefined;
  mountPath: string;
  subPath?: string | undefined;
  mountPropagation?: 'Bidirectional' | 'HostToContainer' | 'None' | undefined;
  subPathExpr?: string | undefined;
}

/** `core.v1.VolumeMountStatus` */
export interface VolumeMountStatus {
  name: string;
  mountPath: string;
  readOnly?: boolean | undefined;
  recursiveReadOnly?: string | undefined;
  volumeStatus?: VolumeStatus | undefined;
}

/** `core.v1.VolumeProjection` */
export interface VolumeProjection {
  secret?: SecretProjection | undefined;
  downwardAPI?: DownwardAPIProjection | undefined;
  configMap?: ConfigMapProjection | undefined;
  serviceAccountToken?: ServiceAccountTokenProjection | undefined;
  clusterTrustBundle?: ClusterTrustBundleProjection | undefined;
  podCertificate?: PodCertificateProjection | undefined;
}

/** `core.v1.VolumeResourceRequirements` */
export interface VolumeResourceRequirements {
  limits?: Record<string, Quantity> | undefined;
  requests?: Record<string, Quantity> | undefined;
}

/** `core.v1.VolumeStatus` */
export interface VolumeStatus {
  image?: ImageVolumeStatus | undefined;
}

/** `core.v1.VsphereVirtualDiskVolumeSource` */
export interface VsphereVirtualDiskVolumeSource {
  volumePath: string;
  fsType?: string | undefined;
  storagePolicyName?: string | undefined;
  storagePolicyID?: string | undefined;
}

/** `discovery.v1.Endpoint` */
export interface Endpoint {
  addresses: string[];
  conditions?: EndpointConditions | undefined;
  hostname?: string | undefined;
  targetRef?: ObjectReference | undefined;
  deprecatedTopology?: Record<string, string> | undefined;
  nodeName?: string | undefined;
  zone?: string | undefined;
  hints?: EndpointHints | undefined;
}

/** `discovery.v1.EndpointConditions` */
export interface EndpointConditions {
  ready?: boolean | undefined;
  serving?: boolean | undefined;
  terminating?: boolean | undefined;
}

/** `discovery.v1.EndpointHints` */
export interface EndpointHints {
  forZones?: ForZone[] | undefined;
  forNodes?: ForNode[] | undefined;
}

/** `discovery.v1.EndpointPort` */
export interface DiscoveryEndpointPort {
  name?: string | undefined;
  protocol?: 'SCTP' | 'TCP' | 'UDP' | undefined;
  port?: number | undefined;
  appProtocol?: string | undefined;
}

/** `discovery.v1.EndpointSlice` */
export interface EndpointSlice {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  addressType: 'FQDN' | 'IPv4' | 'IPv6';
  endpoints: Endpoint[];
  ports?: DiscoveryEndpointPort[] | undefined;
}

/** `discovery.v1.EndpointSliceList` */
export interface EndpointSliceList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: EndpointSlice[];
}

/** `discovery.v1.ForNode` */
export interface ForNode {
  name: string;
}

/** `discovery.v1.ForZone` */
export interface ForZone {
  name: string;
}

/** `events.v1.Event` */
export interface EventsEvent {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  eventTime: MicroTime;
  series?: EventsEventSeries | undefined;
  reportingController?: string | undefined;
  reportingInstance?: string | undefined;
  action?: string | undefined;
  reason?: string | undefined;
  regarding?: ObjectReference | undefined;
  related?: ObjectReference | undefined;
  note?: string | undefined;
  type?: string | undefined;
  deprecatedSource?: EventSource | undefined;
  deprecatedFirstTimestamp?: Time | undefined;
  deprecatedLastTimestamp?: Time | undefined;
  deprecatedCount?: number | undefined;
}

/** `events.v1.EventList` */
export interface EventsEventList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: EventsEvent[];
}

/** `events.v1.EventSeries` */
export interface EventsEventSeries {
  count: number;
  lastObservedTime: MicroTime;
}

/** `resource.Quantity` */
export type Quantity = string | number;

/** `meta.v1.APIGroup` */
export interface APIGroup {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  name: string;
  versions: GroupVersionForDiscovery[];
  preferredVersion?: GroupVersionForDiscovery | undefined;
  serverAddressByClientCIDRs?: ServerAddressByClientCIDR[] | undefined;
}

/** `meta.v1.APIGroupList` */
export interface APIGroupList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  groups?: APIGroup[] | undefined;
}

/** `meta.v1.APIResource` */
export interface APIResource {
  name: string;
  singularName: string;
  namespaced: boolean;
  group?: string | undefined;
  version?: string | undefined;
  kind: string;
  verbs: string[];
  shortNames?: string[] | undefined;
  categories?: string[] | undefined;
  storageVersionHash?: string | undefined;
}

/** `meta.v1.APIResourceList` */
export interface APIResourceList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  groupVersion: string;
  resources: APIResource[];
}

/** `meta.v1.APIVersions` */
export interface APIVersions {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  versions?: string[] | undefined;
  serverAddressByClientCIDRs?: ServerAddressByClientCIDR[] | undefined;
}

/** `meta.v1.Condition` */
export interface Condition {
  type: string;
  status: string;
  observedGeneration?: number | undefined;
  lastTransitionTime: Time;
  reason: string;
  message: string;
}

/** `meta.v1.CreateOptions` */
export interface CreateOptions {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  dryRun?: string[] | undefined;
  fieldManager?: string | undefined;
  fieldValidation?: string | undefined;
}

/** `meta.v1.DeleteOptions` */
export interface DeleteOptions {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  gracePeriodSeconds?: number | undefined;
  preconditions?: Preconditions | undefined;
  orphanDependents?: boolean | undefined;
  propagationPolicy?: string | undefined;
  dryRun?: string[] | undefined;
  ignoreStoreReadErrorWithClusterBreakingPotential?: boolean | undefined;
}

/** `meta.v1.FieldSelectorRequirement` */
export interface FieldSelectorRequirement {
  key: string;
  operator: string;
  values?: string[] | undefined;
}

/** `meta.v1.FieldsV1` */
export type FieldsV1 = Record<string, unknown>;

/** `meta.v1.GetOptions` */
export interface GetOptions {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  resourceVersion?: string | undefined;
}

/** `meta.v1.GroupVersionForDiscovery` */
export interface GroupVersionForDiscovery {
  groupVersion: string;
  version: string;
}

/** `meta.v1.GroupVersionKind` */
export interface GroupVersionKind {
  group?: string | undefined;
  version?: string | undefined;
  kind?: string | undefined;
}

/** `meta.v1.GroupVersionResource` */
export interface GroupVersionResource {
  group?: string | undefined;
  version?: string | undefined;
  resource?: string | undefined;
}

/** `meta.v1.LabelSelector` */
export interface LabelSelector {
  matchLabels?: Record<string, string> | undefined;
  matchExpressions?: LabelSelectorRequirement[] | undefined;
}

/** `meta.v1.LabelSelectorRequirement` */
export interface LabelSelectorRequirement {
  key: string;
  operator: string;
  values?: string[] | undefined;
}

/** `meta.v1.ListMeta` */
export interface ListMeta {
  selfLink?: string | undefined;
  resourceVersion?: string | undefined;
  continue?: string | undefined;
  remainingItemCount?: number | undefined;
  shardInfo?: ShardInfo | undefined;
}

/** `meta.v1.ListOptions` */
export interface ListOptions {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  watch?: boolean | undefined;
  allowWatchBookmarks?: boolean | undefined;
  resourceVersion?: string | undefined;
  resourceVersionMatch?: string | undefined;
  timeoutSeconds?: number | undefined;
  limit?: number | undefined;
  continue?: string | undefined;
  sendInitialEvents?: boolean | undefined;
  shardSelector?: string | undefined;
}

/** `meta.v1.ManagedFieldsEntry` */
export interface ManagedFieldsEntry {
  manager?: string | undefined;
  operation?: string | undefined;
  apiVersion?: string | undefined;
  time?: Time | undefined;
  fieldsType?: string | undefined;
  fieldsV1?: FieldsV1 | undefined;
  subresource?: string | undefined;
}

/** `meta.v1.MicroTime` */
export type MicroTime = string;

/** `meta.v1.ObjectMeta` */
export interface ObjectMeta {
  name?: string | undefined;
  generateName?: string | undefined;
  namespace?: string | undefined;
  selfLink?: string | undefined;
  uid?: string | undefined;
  resourceVersion?: string | undefined;
  generation?: number | undefined;
  creationTimestamp?: Time | undefined;
  deletionTimestamp?: Time | undefined;
  deletionGracePeriodSeconds?: number | undefined;
  labels?: Record<string, string> | undefined;
  annotations?: Record<string, string> | undefined;
  ownerReferences?: OwnerReference[] | undefined;
  finalizers?: string[] | undefined;
  managedFields?: ManagedFieldsEntry[] | undefined;
}

/** `meta.v1.OwnerReference` */
export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean | undefined;
  blockOwnerDeletion?: boolean | undefined;
}

/** `meta.v1.PartialObjectMetadata` */
export interface PartialObjectMetadata {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
}

/** `meta.v1.PartialObjectMetadataList` */
export interface PartialObjectMetadataList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items?: PartialObjectMetadata[] | undefined;
}

/** `meta.v1.PatchOptions` */
export interface PatchOptions {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  dryRun?: string[] | undefined;
  force?: boolean | undefined;
  fieldManager?: string | undefined;
  fieldValidation?: string | undefined;
}

/** `meta.v1.Preconditions` */
export interface Preconditions {
  uid?: string | undefined;
  resourceVersion?: string | undefined;
}

/** `meta.v1.ServerAddressByClientCIDR` */
export interface ServerAddressByClientCIDR {
  clientCIDR: string;
  serverAddress: string;
}

/** `meta.v1.ShardInfo` */
export interface ShardInfo {
  selector?: string | undefined;
}

/** `meta.v1.Status` */
export interface Status {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  status?: string | undefined;
  message?: string | undefined;
  reason?: string | undefined;
  details?: StatusDetails | undefined;
  code?: number | undefined;
}

/** `meta.v1.StatusCause` */
export interface StatusCause {
  reason?: string | undefined;
  message?: string | undefined;
  field?: string | undefined;
}

/** `meta.v1.StatusDetails` */
export interface StatusDetails {
  name?: string | undefined;
  group?: string | undefined;
  kind?: string | undefined;
  uid?: string | undefined;
  causes?: StatusCause[] | undefined;
  retryAfterSeconds?: number | undefined;
}

/** `meta.v1.Table` */
export interface Table {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  columnDefinitions?: TableColumnDefinition[] | undefined;
  rows?: TableRow[] | undefined;
}

/** `meta.v1.TableColumnDefinition` */
export interface TableColumnDefinition {
  name?: string | undefined;
  type?: string | undefined;
  format?: string | undefined;
  description?: string | undefined;
  priority?: number | undefined;
}

/** `meta.v1.TableOptions` */
export interface TableOptions {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  includeObject?: string | undefined;
}

/** `meta.v1.TableRow` */
export interface TableRow {
  cells?: unknown[] | undefined;
  conditions?: TableRowCondition[] | undefined;
  object?: RawExtension | undefined;
}

/** `meta.v1.TableRowCondition` */
export interface TableRowCondition {
  type?: string | undefined;
  status?: string | undefined;
  reason?: string | undefined;
  message?: string | undefined;
}

/** `meta.v1.Time` */
export type Time = string;

/** `meta.v1.UpdateOptions` */
export interface UpdateOptions {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  dryRun?: string[] | undefined;
  fieldManager?: string | undefined;
  fieldValidation?: string | undefined;
}

/** `meta.v1.WatchEvent` */
export interface WatchEvent {
  type: string;
  object: RawExtension;
}

/** `runtime.RawExtension` */
export type RawExtension = unknown;

/** `intstr.IntOrString` */
export type IntOrString = number | string;

/** `version.Info` */
export interface Info {
  major?: string | undefined;
  minor?: string | undefined;
  emulationMajor?: string | undefined;
  emulationMinor?: string | undefined;
  minCompatibilityMajor?: string | undefined;
  minCompatibilityMinor?: string | undefined;
  gitVersion?: string | undefined;
  gitCommit?: string | undefined;
  gitTreeState?: string | undefined;
  buildDate?: string | undefined;
  goVersion?: string | undefined;
  compiler?: string | undefined;
  platform?: string | undefined;
}

/** `networking.v1.HTTPIngressPath` */
export interface HTTPIngressPath {
  path?: string | undefined;
  pathType: 'Exact' | 'ImplementationSpecific' | 'Prefix';
  backend: IngressBackend;
}

/** `networking.v1.HTTPIngressRuleValue` */
export interface HTTPIngressRuleValue {
  paths: HTTPIngressPath[];
}

/** `networking.v1.IPAddress` */
export interface IPAddress {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: IPAddressSpec | undefined;
}

/** `networking.v1.IPAddressList` */
export interface IPAddressList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: IPAddress[];
}

/** `networking.v1.IPAddressSpec` */
export interface IPAddressSpec {
  parentRef: ParentReference;
}

/** `networking.v1.IPBlock` */
export interface IPBlock {
  cidr: string;
  except?: string[] | undefined;
}

/** `networking.v1.Ingress` */
export interface Ingress {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: IngressSpec | undefined;
  status?: IngressStatus | undefined;
}

/** `networking.v1.IngressBackend` */
export interface IngressBackend {
  service?: IngressServiceBackend | undefined;
  resource?: TypedLocalObjectReference | undefined;
}

/** `networking.v1.IngressClass` */
export interface IngressClass {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: IngressClassSpec | undefined;
}

/** `networking.v1.IngressClassList` */
export interface IngressClassList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: IngressClass[];
}

/** `networking.v1.IngressClassParametersReference` */
export interface IngressClassParametersReference {
  apiGroup?: string | undefined;
  kind: string;
  name: string;
  scope?: string | undefined;
  namespace?: string | undefined;
}

/** `networking.v1.IngressClassSpec` */
export interface IngressClassSpec {
  controller?: string | undefined;
  parameters?: IngressClassParametersReference | undefined;
}

/** `networking.v1.IngressList` */
export interface IngressList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: Ingress[];
}

/** `networking.v1.IngressLoadBalancerIngress` */
export interface IngressLoadBalancerIngress {
  ip?: string | undefined;
  hostname?: string | undefined;
  ports?: IngressPortStatus[] | undefined;
}

/** `networking.v1.IngressLoadBalancerStatus` */
export interface IngressLoadBalancerStatus {
  ingress?: IngressLoadBalancerIngress[] | undefined;
}

/** `networking.v1.IngressPortStatus` */
export interface IngressPortStatus {
  port: number;
  protocol: 'SCTP' | 'TCP' | 'UDP';
  error?: string | undefined;
}

/** `networking.v1.IngressRule` */
export interface IngressRule {
  host?: string | undefined;
  http?: HTTPIngressRuleValue | undefined;
}

/** `networking.v1.IngressServiceBackend` */
export interface IngressServiceBackend {
  name: string;
  port?: ServiceBackendPort | undefined;
}

/** `networking.v1.IngressSpec` */
export interface IngressSpec {
  ingressClassName?: string | undefined;
  defaultBackend?: IngressBackend | undefined;
  tls?: IngressTLS[] | undefined;
  rules?: IngressRule[] | undefined;
}

/** `networking.v1.IngressStatus` */
export interface IngressStatus {
  loadBalancer?: IngressLoadBalancerStatus | undefined;
}

/** `networking.v1.IngressTLS` */
export interface IngressTLS {
  hosts?: string[] | undefined;
  secretName?: string | undefined;
}

/** `networking.v1.NetworkPolicy` */
export interface NetworkPolicy {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: NetworkPolicySpec | undefined;
}

/** `networking.v1.NetworkPolicyEgressRule` */
export interface NetworkPolicyEgressRule {
  ports?: NetworkPolicyPort[] | undefined;
  to?: NetworkPolicyPeer[] | undefined;
}

/** `networking.v1.NetworkPolicyIngressRule` */
export interface NetworkPolicyIngressRule {
  ports?: NetworkPolicyPort[] | undefined;
  from?: NetworkPolicyPeer[] | undefined;
}

/** `networking.v1.NetworkPolicyList` */
export interface NetworkPolicyList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: NetworkPolicy[];
}

/** `networking.v1.NetworkPolicyPeer` */
export interface NetworkPolicyPeer {
  podSelector?: LabelSelector | undefined;
  namespaceSelector?: LabelSelector | undefined;
  ipBlock?: IPBlock | undefined;
}

/** `networking.v1.NetworkPolicyPort` */
export interface NetworkPolicyPort {
  protocol?: 'SCTP' | 'TCP' | 'UDP' | undefined;
  port?: IntOrString | undefined;
  endPort?: number | undefined;
}

/** `networking.v1.NetworkPolicySpec` */
export interface NetworkPolicySpec {
  podSelector?: LabelSelector | undefined;
  ingress?: NetworkPolicyIngressRule[] | undefined;
  egress?: NetworkPolicyEgressRule[] | undefined;
  policyTypes?: ('Egress' | 'Ingress')[] | undefined;
}

/** `networking.v1.ParentReference` */
export interface ParentReference {
  group?: string | undefined;
  resource: string;
  namespace?: string | undefined;
  name: string;
}

/** `networking.v1.ServiceBackendPort` */
export interface ServiceBackendPort {
  name?: string | undefined;
  number?: number | undefined;
}

/** `networking.v1.ServiceCIDR` */
export interface ServiceCIDR {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: ServiceCIDRSpec | undefined;
  status?: ServiceCIDRStatus | undefined;
}

/** `networking.v1.ServiceCIDRList` */
export interface ServiceCIDRList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: ServiceCIDR[];
}

/** `networking.v1.ServiceCIDRSpec` */
export interface ServiceCIDRSpec {
  cidrs?: string[] | undefined;
}

/** `networking.v1.ServiceCIDRStatus` */
export interface ServiceCIDRStatus {
  conditions?: Condition[] | undefined;
}

/** `policy.v1.Eviction` */
export interface Eviction {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  deleteOptions?: DeleteOptions | undefined;
}

/** `policy.v1.PodDisruptionBudget` */
export interface PodDisruptionBudget {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  spec?: PodDisruptionBudgetSpec | undefined;
  status?: PodDisruptionBudgetStatus | undefined;
}

/** `policy.v1.PodDisruptionBudgetList` */
export interface PodDisruptionBudgetList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: PodDisruptionBudget[];
}

/** `policy.v1.PodDisruptionBudgetSpec` */
export interface PodDisruptionBudgetSpec {
  minAvailable?: IntOrString | undefined;
  selector?: LabelSelector | undefined;
  maxUnavailable?: IntOrString | undefined;
  unhealthyPodEvictionPolicy?: 'AlwaysAllow' | 'IfHealthyBudget' | undefined;
}

/** `policy.v1.PodDisruptionBudgetStatus` */
export interface PodDisruptionBudgetStatus {
  observedGeneration?: number | undefined;
  disruptedPods?: Record<string, Time> | undefined;
  disruptionsAllowed: number;
  currentHealthy: number;
  desiredHealthy: number;
  expectedPods: number;
  conditions?: Condition[] | undefined;
}

/** `rbac.v1.AggregationRule` */
export interface AggregationRule {
  clusterRoleSelectors?: LabelSelector[] | undefined;
}

/** `rbac.v1.ClusterRole` */
export interface ClusterRole {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  rules?: PolicyRule[] | undefined;
  aggregationRule?: AggregationRule | undefined;
}

/** `rbac.v1.ClusterRoleBinding` */
export interface ClusterRoleBinding {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  subjects?: Subject[] | undefined;
  roleRef: RoleRef;
}

/** `rbac.v1.ClusterRoleBindingList` */
export interface ClusterRoleBindingList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: ClusterRoleBinding[];
}

/** `rbac.v1.ClusterRoleList` */
export interface ClusterRoleList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: ClusterRole[];
}

/** `rbac.v1.PolicyRule` */
export interface PolicyRule {
  verbs: string[];
  apiGroups?: string[] | undefined;
  resources?: string[] | undefined;
  resourceNames?: string[] | undefined;
  nonResourceURLs?: string[] | undefined;
}

/** `rbac.v1.Role` */
export interface Role {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  rules?: PolicyRule[] | undefined;
}

/** `rbac.v1.RoleBinding` */
export interface RoleBinding {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  subjects?: Subject[] | undefined;
  roleRef: RoleRef;
}

/** `rbac.v1.RoleBindingList` */
export interface RoleBindingList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: RoleBinding[];
}

/** `rbac.v1.RoleList` */
export interface RoleList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: Role[];
}

/** `rbac.v1.RoleRef` */
export interface RoleRef {
  apiGroup: string;
  kind: string;
  name: string;
}

/** `rbac.v1.Subject` */
export interface Subject {
  kind: string;
  apiGroup?: string | undefined;
  name: string;
  namespace?: string | undefined;
}

/** `scheduling.v1.PriorityClass` */
export interface PriorityClass {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  value: number;
  globalDefault?: boolean | undefined;
  description?: string | undefined;
  preemptionPolicy?: 'Never' | 'PreemptLowerPriority' | undefined;
}

/** `scheduling.v1.PriorityClassList` */
export interface PriorityClassList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: PriorityClass[];
}

/** `storage.v1.StorageClass` */
export interface StorageClass {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ObjectMeta | undefined;
  provisioner: string;
  parameters?: Record<string, string> | undefined;
  reclaimPolicy?: string | undefined;
  mountOptions?: string[] | undefined;
  allowVolumeExpansion?: boolean | undefined;
  volumeBindingMode?: string | undefined;
  allowedTopologies?: TopologySelectorTerm[] | undefined;
}

/** `storage.v1.StorageClassList` */
export interface StorageClassList {
  kind?: string | undefined;
  apiVersion?: string | undefined;
  metadata?: ListMeta | undefined;
  items: StorageClass[];
}
