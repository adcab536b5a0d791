import { createRequire } from 'node:module';
import type { Optional } from '@marcbachmann/cel-js';

type Library = typeof import('@marcbachmann/cel-js');

let library: Library | undefined;

/** The CEL interpreter, loaded by the first expression: most systems have none, and it would cost each start some 15 ms. */
export function celLibrary(): Library {
  library ??= createRequire(import.meta.url)('@marcbachmann/cel-js') as Library;
  return library;
}

/** What an expression fails with while it is evaluated. */
export function evaluationError(text: string): Error {
  return new (celLibrary().EvaluationError)(text);
}

/** An optional that holds the value. */
export function optionalOf<T>(value: T): Optional<T> {
  return celLibrary().Optional.of(value);
}

/** An optional that holds nothing. */
export function optionalNone(): Optional<never> {
  return celLibrary().Optional.none() as Optional<never>;
}
