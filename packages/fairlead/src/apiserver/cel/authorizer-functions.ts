import type { Environment } from '@marcbachmann/cel-js';
import { spendSteps } from './cel-budget.ts';

/** Every question costs as much as this many loop turns; as in Kubernetes, far more than a comparison. */
const stepsPerCheck = 350;

/** What is asked about access: a resource or a path. */
export type AccessQuestion =
  | {
      readonly kind: 'resource';
      readonly verb: string;
      readonly group: string;
      readonly resource: string;
      readonly subresource: string;
      readonly namespace: string;
      readonly name: string;
    }
  | { readonly kind: 'path'; readonly verb: string; readonly path: string };

/** The answer, with the reason of the authorizer. */
export interface AccessAnswer {
  readonly allowed: boolean;
  readonly reason: string;
}

/** Whose access is asked about; a ServiceAccount may be named instead of the user of the request. */
export type AskAccess = (
  question: AccessQuestion,
  account: { readonly namespace: string; readonly name: string } | undefined,
) => AccessAnswer;

/** The variable `authorizer` of policies and match conditions: asks about the access of the user of the request. */
export class CelAuthorizer {
  readonly ask: (question: AccessQuestion) => AccessAnswer;
  readonly #all: AskAccess;
  /** `authorizer.requestResource`: the resource of the request. */
  readonly requestResource: CelResourceCheck | null;

  constructor(ask: AskAccess, requested: ResourceOf | undefined, account?: { namespace: string; name: string }) {
    this.#all = ask;
    this.ask = (question) => ask(question, account);
    this.requestResource = requested === undefined ? null : new CelResourceCheck(this.ask, requested);
  }

  /** The same about a ServiceAccount. */
  serviceAccount(namespace: string, name: string): CelAuthorizer {
    return new CelAuthorizer(this.#all, undefined, { namespace, name });
  }
}

/** A resource under construction by the calls of an expression. */
interface ResourceOf {
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

class CelPathCheck {
  readonly ask: CelAuthorizer['ask'];
  readonly path: string;

  constructor(ask: CelAuthorizer['ask'], path: string) {
    this.ask = ask;
    this.path = path;
  }
}

class CelGroupCheck {
  readonly ask: CelAuthorizer['ask'];
  readonly group: string;

  constructor(ask: CelAuthorizer['ask'], group: string) {
    this.ask = ask;
    this.group = group;
  }
}

class CelResourceCheck {
  readonly ask: CelAuthorizer['ask'];
  readonly of: ResourceOf;

  constructor(ask: CelAuthorizer['ask'], of: ResourceOf) {
    this.ask = ask;
    this.of = of;
  }

  with(part: Partial<ResourceOf>): CelResourceCheck {
    return new CelResourceCheck(this.ask, { ...this.of, ...part });
  }
}

class CelDecision {
  readonly answer: AccessAnswer;

  constructor(answer: AccessAnswer) {
    this.answer = answer;
  }
}

const prefix = 'kubernetes.authorization';

/** Kubernetes' authorizer library (KEP-3488): checks of the kind `authorizer.group('apps').resource('deployments').check('get').allowed()`. */
export function registerAuthorizerFunctions(env: Environment): void {
  const check = `${prefix}.ResourceCheck`;
  env
    .registerType(`${prefix}.Decision`, CelDecision)
    .registerType(`${prefix}.PathCheck`, CelPathCheck)
    .registerType(check, CelResourceCheck)
    .registerType(`${prefix}.GroupCheck`, CelGroupCheck)
    .registerType(`${prefix}.Authorizer`, { ctor: CelAuthorizer, fields: { requestResource: check } });
  const on = (signature: string, handler: (...args: never[]) => unknown): void => {
    env.registerFunction(`${prefix}.${signature}`, handler as never);
  };
  on(
    `Authorizer.path(string): ${prefix}.PathCheck`,
    ({ ask }: CelAuthorizer, path: string) => new CelPathCheck(ask, path),
  );
  on(
    `Authorizer.group(string): ${prefix}.GroupCheck`,
    ({ ask }: CelAuthorizer, group: string) => new CelGroupCheck(ask, group),
  );
  on(
    `Authorizer.serviceAccount(string, string): ${prefix}.Authorizer`,
    (authorizer: CelAuthorizer, namespace: string, name: string) => authorizer.serviceAccount(namespace, name),
  );
  on(`GroupCheck.resource(string): ${check}`, ({ ask, group }: CelGroupCheck, resource: string) => {
    return new CelResourceCheck(ask, { group, resource, subresource: '', namespace: '', name: '' });
  });
  for (const part of ['subresource', 'namespace', 'name'] as const) {
    on(`ResourceCheck.${part}(string): ${check}`, (one: CelResourceCheck, value: string) =>
      one.with({ [part]: value }),
    );
  }
  on(`ResourceCheck.check(string): ${prefix}.Decision`, ({ ask, of }: CelResourceCheck, verb: string) => {
    spendSteps(stepsPerCheck);
    return new CelDecision(ask({ kind: 'resource', verb, ...of }));
  });
  on(`PathCheck.check(string): ${prefix}.Decision`, ({ ask, path }: CelPathCheck, verb: string) => {
    spendSteps(stepsPerCheck);
    return new CelDecision(ask({ kind: 'path', verb, path }));
  });
  on('Decision.allowed(): bool', ({ answer }: CelDecision) => answer.allowed);
  on('Decision.reason(): string', ({ answer }: CelDecision) => answer.reason);
  // Our authorizer never fails: it has its answers in memory.
  on('Decision.errored(): bool', () => false);
  on('Decision.error(): string', () => '');
}
