/**
 * Expands `$(VAR)` as Kubernetes does in `command`, `args` and `env`: an unknown variable stays as written,
 * `$$` is a literal `$`, and nothing that was inserted is expanded again.
 */
export function expandVariables(text: string, lookup: (name: string) => string | undefined): string {
  let result = '';
  let at = 0;
  for (;;) {
    const dollar = text.indexOf('$', at);
    if (dollar < 0 || dollar + 1 >= text.length) return result + text.slice(at);
    result += text.slice(at, dollar);
    const next = text[dollar + 1];
    if (next === '$') {
      result += '$';
      at = dollar + 2;
    } else if (next === '(') {
      const close = text.indexOf(')', dollar + 2);
      if (close < 0) return result + text.slice(dollar);
      const name = text.slice(dollar + 2, close);
      result += lookup(name) ?? `$(${name})`;
      at = close + 1;
    } else {
      result += `$${next}`;
      at = dollar + 2;
    }
  }
}
