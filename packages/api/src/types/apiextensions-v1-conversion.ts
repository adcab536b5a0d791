// Generated from src/schema by scripts/generate-types.ts; do not edit.
import type { RawExtension, Status } from './meta-v1.ts';

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

/** `apiextensions.v1.CustomResourceConversion` */
export interface CustomResourceConversion {
  strategy: string;
  webhook?: WebhookConversion | undefined;
}

/** `apiextensions.v1.ServiceReference` */
export interface ApiextensionsServiceReference {
  namespace: string;
  name: string;
  path?: string | undefined;
  port?: number | undefined;
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
