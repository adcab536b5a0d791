// Hot path: every write passes here; without policies and webhooks it costs two comparisons.
import type { RestContext } from '../rest/rest-context.ts';
import type { KubeObject } from '../watch/kube-object.ts';
import type { AdmissionAttributes } from './admission-attributes.ts';
import { PolicyAdmission } from './policy-admission.ts';
import { WebhookAdmission } from './webhook-admission.ts';

/** Kinds of admission itself: a policy or webhook could otherwise lock its own removal out. */
const ownGroup = 'admissionregistration.k8s.io';

/** The admission of writes by objects of the API: webhooks that change, then policies and webhooks that refuse. */
export class Admission {
  readonly #policies: PolicyAdmission;
  readonly #webhooks: WebhookAdmission;

  constructor(context: RestContext, webhooks: WebhookAdmission = new WebhookAdmission(context)) {
    this.#policies = new PolicyAdmission(context);
    this.#webhooks = webhooks;
  }

  /** Nobody wants to change writes. */
  get changesNothing(): boolean {
    return !this.#webhooks.hasMutating;
  }

  /** Nobody wants to look at writes. */
  get refusesNothing(): boolean {
    return this.#policies.isIdle && !this.#webhooks.hasValidating;
  }

  /** The object as mutating webhooks want it; throws their refusal. */
  async change(write: AdmissionAttributes, object: KubeObject, warnings: string[]): Promise<KubeObject> {
    if (this.changesNothing || write.resource.group === ownGroup) return object;
    return this.#webhooks.mutate(write, object, warnings);
  }

  /** Throws the refusal of a policy or validating webhook. */
  async check(write: AdmissionAttributes, warnings: string[]): Promise<void> {
    if (this.refusesNothing || write.resource.group === ownGroup) return;
    await this.#policies.check(write, warnings);
    await this.#webhooks.validate(write, warnings);
  }
}
