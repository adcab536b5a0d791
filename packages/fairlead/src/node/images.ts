import type { Container } from '@fairlead/api';

/** Binds images to a command of this machine. */
export interface ImageAlias {
  /** Image reference; `*` matches any characters. Without a tag it matches every tag. */
  readonly pattern: string;
  /** Program and arguments. */
  readonly command: readonly string[];
}

/** What a container runs. */
export type ResolvedImage =
  | {
      readonly ok: true;
      readonly command: readonly string[];
      /** Set when the program is the built-in echo server: its version, from the image's tag. */
      readonly echoVersion: string | undefined;
    }
  | { readonly ok: false; readonly message: string };

/** Images that run the built-in echo server; the public ones are those that conformance suites use. */
const ECHO_IMAGES: readonly string[] = [
  'fairlead/echo',
  'registry.k8s.io/e2e-test-images/agnhost',
  'registry.k8s.io/e2e-test-images/echoserver',
  'registry.k8s.io/echoserver',
  'k8s.gcr.io/echoserver',
  'gcr.io/google_containers/echoserver',
  'gcr.io/k8s-staging-gateway-api/echo-basic',
  'gcr.io/k8s-staging-ingressconformance/echoserver',
  'ealen/echo-server',
  'mendhak/http-https-echo',
  'traefik/whoami',
  'hashicorp/http-echo',
];

/** The echo server's file, beside this one. */
export const ECHO_PROGRAM: string = new URL('./echo/main.ts', import.meta.url).pathname;

/** Splits an image reference; a colon before the last slash belongs to a registry's port. */
export function parseImage(image: string): { readonly repository: string; readonly tag: string } {
  const at = image.indexOf('@');
  const plain = (at < 0 ? image : image.slice(0, at)).replace(/^docker\.io\/(library\/)?/, '');
  const colon = plain.lastIndexOf(':');
  if (colon > plain.lastIndexOf('/')) return { repository: plain.slice(0, colon), tag: plain.slice(colon + 1) };
  return { repository: plain, tag: '' };
}

function matches(pattern: string, image: string): boolean {
  const { repository, tag } = parseImage(image);
  const target = parseImage(pattern).tag === '' ? repository : `${repository}:${tag === '' ? 'latest' : tag}`;
  const source = pattern
    .replace(/^docker\.io\/(library\/)?/, '')
    .split('*')
    .map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
    .join('.*');
  const expression = new RegExp(`^${source}$`);
  return expression.test(target) || expression.test(`${repository}:${tag}`);
}

/**
 * Decides what a container runs: its own `command` and `args`, or the command of its image.
 * Of several aliases the first match wins; `args` replace the arguments after the program's own.
 */
export function resolveImage(container: Container, aliases: readonly ImageAlias[]): ResolvedImage {
  const image = container.image ?? '';
  const args = container.args ?? [];
  const own = container.command ?? [];
  if (own.length > 0) return { ok: true, command: [...own, ...args], echoVersion: undefined };
  const alias = aliases.find((candidate) => matches(candidate.pattern, image));
  if (alias !== undefined) return { ok: true, command: [...alias.command, ...args], echoVersion: undefined };
  const { repository, tag } = parseImage(image);
  if (ECHO_IMAGES.includes(repository)) {
    const command = [process.execPath, '--max-old-space-size=64', '--max-semi-space-size=1', ECHO_PROGRAM];
    // Arguments for the public images mean nothing to this program.
    return {
      ok: true,
      command: repository === 'fairlead/echo' ? [...command, ...args] : command,
      echoVersion: tag === '' || tag === 'latest' ? '' : tag,
    };
  }
  return {
    ok: false,
    message:
      `no command is known for image "${image}": this node runs programs of the machine, it pulls nothing. ` +
      `Set "command" in the container, start with --image '${repository || 'NAME'}*=COMMAND', ` +
      `or add the alias to the ConfigMap kube-system/fairlead-images.`,
  };
}

/** Parses one `--image` option, `PATTERN=COMMAND`; quotes group words as in a shell. */
export function parseImageAlias(text: string): ImageAlias | { readonly error: string } {
  const equals = text.indexOf('=');
  if (equals <= 0) return { error: `image alias ${JSON.stringify(text)} is not PATTERN=COMMAND` };
  const command = splitWords(text.slice(equals + 1));
  if (command.length === 0) return { error: `image alias ${JSON.stringify(text)} has no command` };
  return { pattern: text.slice(0, equals), command };
}

/** Words of a command line: blanks separate, single and double quotes and backslashes protect. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (quote !== '') {
      if (char === quote) quote = '';
      else if (char === '\\' && quote === '"' && at + 1 < text.length) word += text[++at]!;
      else word += char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (char === '\\' && at + 1 < text.length) {
      word = (word ?? '') + text[++at]!;
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + char;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** Aliases of the ConfigMap `kube-system/fairlead-images`: `PATTERN=COMMAND` lines under any key. */
export function configMapAliases(data: Readonly<Record<string, string>> | undefined): ImageAlias[] {
  const aliases: ImageAlias[] = [];
  for (const value of Object.values(data ?? {})) {
    for (const line of value.split('\n')) {
      const text = line.trim();
      if (text === '' || text.startsWith('#')) continue;
      const alias = parseImageAlias(text);
      if (!('error' in alias)) aliases.push(alias);
    }
  }
  return aliases;
}
