import { randomUUID } from 'node:crypto';
import type { Definition } from '@fairlead/api/crd/index';
import { callWebhook, WebhookCallError, type WebhookContext, type WebhookTarget } from '../admission/webhook-call.ts';
import { StatusError } from '../server/status-error.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';

/** How long a conversion may take, in milliseconds; as the real server. */
const conversionTimeoutMs = 30_000;

/** Converts objects between the versions of a definition through its webhook. */
export class ConversionWebhook {
  readonly #context: WebhookContext;
  readonly #target: WebhookTarget;
  readonly #review: string;

  constructor(context: WebhookContext, definition: Definition) {
    const webhook = definition.spec.conversion?.webhook;
    const client = recordOf(webhook?.clientConfig) ?? {};
    const service = recordOf(client.service);
    this.#context = context;
    this.#review = webhook?.conversionReviewVersions?.includes('v1') === true ? 'v1' : 'v1beta1';
    this.#target = {
      ...(typeof client.url === 'string' ? { url: client.url } : {}),
      ...(typeof client.caBundle === 'string' ? { caBundle: client.caBundle } : {}),
      ...(service === undefined
        ? {}
        : {
            service: {
              namespace: String(service.namespace ?? ''),
              name: String(service.name ?? ''),
              path: String(service.path ?? ''),
              port: Number(service.port ?? 443),
            },
          }),
    };
  }

  /**
   * The objects in another version, in order. Only labels and annotations of their metadata may
   * change; throws 500 when the webhook fails.
   */
  async convert(objects: readonly KubeObject[], apiVersion: string): Promise<KubeObject[]> {
    const [first] = objects;
    if (first === undefined) return [];
    const failed = (why: string): StatusError => {
      const text = `conversion webhook for ${first.apiVersion}, Kind=${first.kind} failed: ${why}`;
      return new StatusError(500, 'InternalError', `Internal error occurred: ${text}`, { causes: [{ message: text }] });
    };
    const uid = randomUUID();
    const request = { uid, desiredAPIVersion: apiVersion, objects };
    const review = { kind: 'ConversionReview', apiVersion: `apiextensions.k8s.io/${this.#review}`, request };
    let answer: unknown;
    try {
      answer = await callWebhook(this.#context, this.#target, review, conversionTimeoutMs);
    } catch (error) {
      if (error instanceof WebhookCallError) throw failed(error.message);
      throw error;
    }
    const response = recordOf(recordOf(answer)?.response) ?? {};
    if (response.uid !== uid) throw failed(`expected response.uid=${JSON.stringify(uid)}`);
    const result = recordOf(response.result) ?? {};
    if (result.status !== 'Success') throw failed(String(result.message ?? 'no reason given'));
    const converted = Array.isArray(response.convertedObjects) ? (response.convertedObjects as unknown[]) : [];
    if (converted.length !== objects.length) {
      throw failed(`expected ${objects.length} converted objects, got ${converted.length}`);
    }
    return objects.map((object, index) => {
      const other = recordOf(converted[index]);
      if (other?.apiVersion !== apiVersion || other.kind !== object.kind) {
        throw failed(`invalid converted object at index ${index}: wrong apiVersion or kind`);
      }
      const { labels, annotations } = recordOf(other.metadata) ?? {};
      const { labels: _l, annotations: _a, ...metadata } = object.metadata;
      return {
        ...other,
        metadata: {
          ...metadata,
          ...(labels === undefined ? {} : { labels }),
          ...(annotations === undefined ? {} : { annotations }),
        },
      } as KubeObject;
    });
  }
}
