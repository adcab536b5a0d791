import { randomUUID } from 'node:crypto';
import { parseJson } from '@fairlead/api/json-number';
import { jsonPatch } from '@fairlead/api/patch/json-patch';
import { SchemaError } from '@fairlead/api/schema';
import { CelBudget } from '../cel/cel-budget.ts';
import { CelValues } from '../cel/cel-value.ts';
import { inVersion } from '../crd/equivalent-version.ts';
import { typed } from '../rest/decode-body.ts';
import type { RestContext } from '../rest/rest-context.ts';
import { sameJson } from '../rest/strategy.ts';
import { StatusError } from '../server/status-error.ts';
import { type KubeObject, recordOf } from '../watch/kube-object.ts';
import type { StoredObject } from '../watch/stored-object.ts';
import { type AdmissionAttributes, type MatchRule, namespaceOf, recordsOf, requestOf } from './admission-attributes.ts';
import { authorizerOf } from './cel-authorizer.ts';
import { type MatchPolicy, matchedWrite, matchPolicyOf } from './equivalent-write.ts';
import { admissionVariables, compileConditions, evaluateConditions, type MatchCondition } from './match-conditions.ts';
import { callWebhook, WebhookCallError, type WebhookTarget } from './webhook-call.ts';

/** One webhook of a configuration. */
interface Webhook {
  readonly name: string;
  readonly target: WebhookTarget;
  readonly rules: readonly MatchRule[];
  readonly namespaceSelector: object | undefined;
  readonly objectSelector: object | undefined;
  readonly conditions: readonly MatchCondition[];
  readonly failurePolicy: 'Fail' | 'Ignore';
  readonly timeoutMs: number;
  readonly dryRunSafe: boolean;
  readonly reviewVersion: string;
  readonly reinvoke: boolean;
  readonly matchPolicy: MatchPolicy;
}

/** The answer of a webhook. */
interface Verdict {
  readonly allowed: boolean;
  readonly status: Record<string, unknown>;
  readonly patch: unknown;
  /** The write as the webhook saw it. */
  readonly write: AdmissionAttributes;
}

/** Calls mutating and validating webhooks (admission.k8s.io/v1). */
export class WebhookAdmission {
  readonly #context: RestContext;
  readonly #mutating: string;
  readonly #validating: string;
  readonly #compiled = new WeakMap<StoredObject, readonly Webhook[]>();

  constructor(context: RestContext) {
    this.#context = context;
    const group = 'admissionregistration.k8s.io';
    this.#mutating = context.served.find(group, 'v1', 'mutatingwebhookconfigurations')?.prefix ?? '';
    this.#validating = context.served.find(group, 'v1', 'validatingwebhookconfigurations')?.prefix ?? '';
  }

  get hasMutating(): boolean {
    return this.#context.cache.resource(this.#mutating).size > 0;
  }

  get hasValidating(): boolean {
    return this.#context.cache.resource(this.#validating).size > 0;
  }

  /**
   * The object after all mutating webhooks, one after the other by configuration name. Those with
   * `reinvocationPolicy: IfNeeded` run once more when a later one changed the object.
   */
  async mutate(write: AdmissionAttributes, object: KubeObject, warnings: string[]): Promise<KubeObject> {
    let current = object;
    const webhooks = this.#webhooks(this.#mutating);
    const seen = new Map<Webhook, KubeObject>();
    for (const webhook of webhooks) {
      const before = current;
      current = await this.#mutateOnce(webhook, write, current, warnings);
      if (current !== before || webhook.reinvoke) seen.set(webhook, current);
    }
    for (const webhook of webhooks) {
      if (!webhook.reinvoke || !seen.has(webhook) || sameJson(seen.get(webhook), current)) continue;
      current = await this.#mutateOnce(webhook, write, current, warnings);
    }
    return current;
  }

  /** Throws the refusal of a validating webhook; they are asked all at once. */
  async validate(write: AdmissionAttributes, warnings: string[]): Promise<void> {
    const answers = await Promise.allSettled(
      this.#webhooks(this.#validating).map((webhook) => this.#ask(webhook, write, warnings)),
    );
    const failure = answers.find((answer) => answer.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
  }

  async #mutateOnce(
    webhook: Webhook,
    write: AdmissionAttributes,
    object: KubeObject,
    warnings: string[],
  ): Promise<KubeObject> {
    const verdict = await this.#ask(webhook, { ...write, object }, warnings);
    if (verdict?.patch === undefined) return object;
    try {
      const { resource, object: seen = object } = verdict.write;
      const patched = typed(jsonPatch(seen, verdict.patch), resource, [], 'Ignore', []);
      return resource === write.resource ? patched : await inVersion(resource, write.resource, patched);
    } catch (error) {
      if (!(error instanceof SchemaError) && !(error instanceof StatusError)) throw error;
      return this.#failed(webhook, `admission webhook attempted to apply an invalid patch: ${error.message}`) ?? object;
    }
  }

  /** Asks one webhook; `undefined`: it is not concerned, or its failure is ignored. */
  async #ask(webhook: Webhook, given: AdmissionAttributes, warnings: string[]): Promise<Verdict | undefined> {
    const { rules, namespaceSelector, objectSelector } = webhook;
    if (rules.length === 0) return undefined;
    const match = {
      resourceRules: rules,
      ...(namespaceSelector === undefined ? {} : { namespaceSelector }),
      ...(objectSelector === undefined ? {} : { objectSelector }),
    };
    const write = await matchedWrite(this.#context, match, webhook.matchPolicy, given);
    if (write === undefined) return undefined;
    const { object } = write;
    if (webhook.conditions.length > 0) {
      const values = new CelValues();
      const namespace = namespaceOf(this.#context, write.namespace);
      const outcome = evaluateConditions(
        webhook.conditions,
        {
          object: values.convert(object ?? null, undefined),
          oldObject: values.convert(write.old ?? null, undefined),
          request: values.convert(requestOf(write, ''), undefined),
          namespaceObject: values.convert(namespace ?? null, undefined),
          authorizer: authorizerOf(this.#context, write),
        },
        new CelBudget(),
      );
      if (outcome.kind === 'skips') return undefined;
      if (outcome.kind === 'failed') return this.#failed(webhook, outcome.text);
    }
    if (write.dryRun && !webhook.dryRunSafe) {
      throw new StatusError(
        400,
        'BadRequest',
        `admission webhook ${JSON.stringify(webhook.name)} does not support dry run`,
      );
    }
    const uid = randomUUID();
    const review = {
      kind: 'AdmissionReview',
      apiVersion: `admission.k8s.io/${webhook.reviewVersion}`,
      request: { ...requestOf(write, uid), object: object ?? null, oldObject: write.old ?? null },
    };
    let answer: unknown;
    try {
      answer = await callWebhook(this.#context, webhook.target, review, webhook.timeoutMs);
    } catch (error) {
      if (!(error instanceof WebhookCallError)) throw error;
      return this.#failed(webhook, `failed to call webhook: ${error.message}`);
    }
    const verdict = this.#verdict(webhook, write, uid, answer, warnings);
    const notes = recordOf(recordOf(recordOf(answer)?.response)?.auditAnnotations) ?? {};
    for (const [key, value] of Object.entries(notes))
      write.auditAnnotations?.set(`${webhook.name}/${key}`, String(value));
    return verdict;
  }

  #verdict(
    webhook: Webhook,
    write: AdmissionAttributes,
    uid: string,
    answer: unknown,
    warnings: string[],
  ): Verdict | undefined {
    const response = recordOf(recordOf(answer)?.response);
    if (response === undefined) return this.#failed(webhook, 'webhook response was absent');
    if (response.uid !== uid) {
      return this.#failed(
        webhook,
        `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`,
      );
    }
    const texts = Array.isArray(response.warnings) ? (response.warnings as unknown[]) : [];
    warnings.push(...texts.filter((text) => typeof text === 'string').map((text) => text.slice(0, 256)));
    const status = recordOf(response.status) ?? {};
    if (response.allowed !== true) throw refusal(webhook.name, status);
    let patch: unknown;
    if (typeof response.patch === 'string' && response.patch !== '') {
      if (response.patchType !== 'JSONPatch') {
        return this.#failed(webhook, `webhook returned response.patch but not response.patchType of JSONPatch`);
      }
      try {
        patch = parseJson(Buffer.from(response.patch, 'base64').toString('utf8'));
      } catch {
        return this.#failed(webhook, 'webhook returned a patch that is no JSON');
      }
    }
    return { allowed: true, status, patch, write };
  }

  #failed(webhook: Webhook, why: string): undefined {
    if (webhook.failurePolicy === 'Ignore') return undefined;
    const text = `failed calling webhook ${JSON.stringify(webhook.name)}: ${why}`;
    throw new StatusError(500, 'InternalError', `Internal error occurred: ${text}`, { causes: [{ message: text }] });
  }

  #webhooks(prefix: string): Webhook[] {
    return this.#context.cache
      .resource(prefix)
      .list('')
      .flatMap((stored) => {
        let compiled = this.#compiled.get(stored);
        if (compiled === undefined) {
          compiled = recordsOf(stored.object.webhooks).map(webhookOf);
          this.#compiled.set(stored, compiled);
        }
        return compiled;
      });
  }
}

function webhookOf(webhook: Record<string, unknown>): Webhook {
  const client = recordOf(webhook.clientConfig) ?? {};
  const service = recordOf(client.service);
  const versions = Array.isArray(webhook.admissionReviewVersions) ? (webhook.admissionReviewVersions as unknown[]) : [];
  return {
    name: String(webhook.name ?? ''),
    target: {
      ...(typeof client.url === 'string' ? { url: client.url } : {}),
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
      ...(typeof client.caBundle === 'string' ? { caBundle: client.caBundle } : {}),
    },
    rules: recordsOf(webhook.rules) as unknown as MatchRule[],
    namespaceSelector: recordOf(webhook.namespaceSelector),
    objectSelector: recordOf(webhook.objectSelector),
    conditions: compileConditions(
      recordsOf(webhook.matchConditions) as { name?: string; expression?: string }[],
      admissionVariables,
    ),
    failurePolicy: webhook.failurePolicy === 'Ignore' ? 'Ignore' : 'Fail',
    timeoutMs: Number(webhook.timeoutSeconds ?? 10) * 1000,
    dryRunSafe: webhook.sideEffects === 'None' || webhook.sideEffects === 'NoneOnDryRun',
    reviewVersion: versions.includes('v1') ? 'v1' : 'v1beta1',
    matchPolicy: matchPolicyOf(webhook.matchPolicy),
    reinvoke: webhook.reinvocationPolicy === 'IfNeeded',
  };
}

function refusal(name: string, status: Record<string, unknown>): StatusError {
  const by = `admission webhook ${JSON.stringify(name)} denied the request`;
  const message = String(status.message ?? '');
  const reason = String(status.reason ?? '');
  const text = message !== '' ? `${by}: ${message}` : reason !== '' ? `${by}: ${reason}` : `${by} without explanation`;
  const code = Number(status.code ?? 0);
  return new StatusError(
    code >= 400 && code < 600 ? code : 400,
    reason === '' ? undefined : reason,
    text,
    recordOf(status.details),
  );
}
