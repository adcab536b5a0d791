import type { HeaderText, HeaderTextFilter } from '../../routing/route-filters.ts';
import type { CompiledFilter, Verdict } from './filter.ts';
import type { FilterRun } from './filter-run.ts';
import type { HeadChange } from './head-change.ts';
import { fillText } from './request-values.ts';

/** Edits heads with what the request holds. A value that cannot be in a field leaves its field out. */
export class HeaderTexts implements CompiledFilter {
  readonly #request: readonly CompiledText[];
  readonly #response: readonly CompiledText[];

  constructor({ request, response }: HeaderTextFilter) {
    this.#request = request.map(compile);
    this.#response = response.map(compile);
  }

  onRequest(run: FilterRun): Verdict {
    apply(this.#request, run, run.requestChange);
    apply(this.#response, run, run.responseChange);
    return 'pass';
  }
}

type CompiledText = HeaderText & { readonly bytes: Buffer };

function compile(text: HeaderText): CompiledText {
  return { ...text, bytes: Buffer.from(text.name) };
}

function apply(texts: readonly CompiledText[], run: FilterRun, change: HeadChange): void {
  for (const { verb, name, bytes, value } of texts) {
    if (verb === 'set') change.drop(bytes);
    change.add(name, fillText(value, run));
  }
}
