import type { Reading } from './annotation-values.ts';
import type { AnnotationProblem } from './read-backend-policy.ts';

const PREFIX = 'fairlead.dev/';

/** Reads annotations of ours, keeping what is wrong with them. */
export class AnnotationReader {
  readonly problems: AnnotationProblem[] = [];
  readonly #annotations: Readonly<Record<string, string>>;

  constructor(annotations: Readonly<Record<string, string>>) {
    this.#annotations = annotations;
  }

  /** The trimmed text of `fairlead.dev/NAME`. */
  text(name: string): string | undefined {
    return this.#annotations[PREFIX + name]?.trim();
  }

  /** Undefined without the annotation; `wrong`, and a problem, when it cannot be read. */
  read<T>(name: string, reader: (text: string) => Reading<T>): T | 'wrong' | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const result = reader(text);
    if (result.ok) return result.value;
    this.problem(name, result.message);
    return 'wrong';
  }

  /** The same where a wrong value counts as absent. */
  optional<T>(name: string, reader: (text: string) => Reading<T>): T | undefined {
    const value = this.read(name, reader);
    return value === 'wrong' ? undefined : (value as T | undefined);
  }

  /** Notes a problem of an annotation. */
  problem(name: string, message: string): void {
    this.problems.push({ field: fieldOf(name), message });
  }
}

/** Field path of an annotation of ours. */
export const fieldOf = (name: string): string => `metadata.annotations[${PREFIX}${name}]`;
