// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { CustomResourceConversion } from './apiextensions-v1-conversion.ts';
import type { ListMeta, ObjectMeta, Time } from './meta-v1.ts';

/** `apiextensions.v1.CustomResourceColumnDefinition` */
export interface CustomResourceColumnDefinition {
  name: string;
  type: string;
  format?: string | undefined;
  description?: string | undefined;
  priority?: number | undefined;
  jsonPath: string;
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

/** `apiextensions.v1.ValidationRule` */
export interface ValidationRule {
  rule: string;
  message?: string | undefined;
  messageExpression?: string | undefined;
  reason?: 'FieldValueDuplicate' | 'FieldValueForbidden' | 'FieldValueInvalid' | 'FieldValueRequired' | undefined;
  fieldPath?: string | undefined;
  optionalOldSelf?: boolean | undefined;
}
