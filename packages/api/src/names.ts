/**
 * Checkers of names, each answering with the complaints a Kubernetes server
 * would make, and an empty list for a good name (RFC 1123, RFC 1035, and
 * Kubernetes' qualified names).
 */
const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const UNDERSCORE_LABEL = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const SEARCH_DOMAIN = `${UNDERSCORE_LABEL}(\\.${UNDERSCORE_LABEL})*`;
const LABEL_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const LABEL_VALUE = `(${QUALIFIED})?`;
const LABEL_RE = new RegExp(`^${LABEL}$`);
const SUBDOMAIN_RE = new RegExp(`^${SUBDOMAIN}$`);
const LABEL_1035_RE = new RegExp(`^${LABEL_1035}$`);
const WILDCARD_RE = new RegExp(`^\\*\\.${SUBDOMAIN}$`);
const QUALIFIED_RE = /^(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const CONFIG_KEY_RE = /^[-._a-zA-Z0-9]+$/;
const ENV_NAME_RE = /^[ -<>-~]*$/;
const HTTP_HEADER_RE = /^[-A-Za-z0-9]+$/;
const SEARCH_DOMAIN_RE = new RegExp(`^${SEARCH_DOMAIN}$`);

/** The text for a value over a length limit, in bytes. */
export function maxLengthError(length: number): string {
  return `must be no more than ${length} characters`;
}

function regexError(message: string, regex: string, examples: readonly string[]): string {
  const list = examples.map((example) => `'${example}'`).join(',  or ');
  return `${message} (e.g. ${list}, regex used for validation is '${regex}')`;
}

const LABEL_ERROR = regexError(
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  LABEL,
  ['my-name', '123-abc'],
);
const SUBDOMAIN_ERROR = regexError(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  SUBDOMAIN,
  ['example.com'],
);
const LABEL_1035_ERROR = regexError(
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  LABEL_1035,
  ['my-name', 'abc-123'],
);
const WILDCARD_ERROR = regexError(
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
  `\\*\\.${SUBDOMAIN}`,
  ['*.example.com'],
);
const QUALIFIED_ERROR = regexError(
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  QUALIFIED,
  ['MyName', 'my.name', '123-abc'],
);
const LABEL_VALUE_ERROR = regexError(
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  LABEL_VALUE,
  ['MyValue', 'my_value', '12345'],
);
const CONFIG_KEY_ERROR = regexError(
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  '[-._a-zA-Z0-9]+',
  ['key.name', 'KEY_NAME', 'key-name'],
);
const ENV_NAME_ERROR =
  "a valid environment variable name must consist only of printable ASCII characters other than '='";
const HTTP_HEADER_ERROR = regexError(
  "a valid HTTP header must consist of alphanumeric characters or '-'",
  '[-A-Za-z0-9]+',
  ['X-Header-Name'],
);
const SEARCH_DOMAIN_ERROR = regexError(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character",
  SEARCH_DOMAIN,
  ['example.com'],
);

const encoder = new TextEncoder();

/** Up to here it is faster to look at each character than to encode a text. */
const shortText = 64;

/** Length in UTF-8 bytes, the unit of Kubernetes' limits. */
export function byteLength(text: string): number {
  if (text.length > shortText) return encoder.encode(text).length;
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) > 127) return encoder.encode(text).length;
  }
  return text.length;
}

function check(value: string, max: number, regex: RegExp, message: string): string[] {
  const errors: string[] = [];
  if (byteLength(value) > max) errors.push(maxLengthError(max));
  if (!regex.test(value)) errors.push(message);
  return errors;
}

/** Complaints about a DNS label (RFC 1123): at most 63 characters. */
export function dns1123LabelErrors(value: string): string[] {
  return check(value, 63, LABEL_RE, SUBDOMAIN_RE.test(value) ? 'must not contain dots' : LABEL_ERROR);
}

/** Complaints about a DNS name (RFC 1123): at most 253 characters. */
export function dns1123SubdomainErrors(value: string): string[] {
  return check(value, 253, SUBDOMAIN_RE, SUBDOMAIN_ERROR);
}

/** Complaints about a DNS label that starts with a letter (RFC 1035). */
export function dns1035LabelErrors(value: string): string[] {
  return check(value, 63, LABEL_1035_RE, LABEL_1035_ERROR);
}

/** Complaints about `*.example.com`. */
export function wildcardDns1123SubdomainErrors(value: string): string[] {
  return check(value, 253, WILDCARD_RE, WILDCARD_ERROR);
}

/** Complaints about `name` or `prefix.example.com/name`: label keys, annotation keys, finalizers. */
export function qualifiedNameErrors(value: string): string[] {
  const errors: string[] = [];
  const parts = value.split('/');
  if (parts.length > 2) {
    return [
      `a qualified name ${QUALIFIED_ERROR.slice(0, -1)} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`.replace(
        `regex used for validation is '${QUALIFIED}' with`,
        `regex used for validation is '${QUALIFIED}') with`,
      ),
    ];
  }
  const name = parts.at(-1) ?? '';
  if (parts.length === 2) {
    const prefix = parts[0] ?? '';
    if (prefix === '') errors.push('prefix part must be non-empty');
    else errors.push(...dns1123SubdomainErrors(prefix).map((error) => `prefix part ${error}`));
  }
  if (name === '') errors.push('name part must be non-empty');
  else if (name.length > 63) errors.push(`name part ${maxLengthError(63)}`);
  if (!QUALIFIED_RE.test(name)) errors.push(`name part ${QUALIFIED_ERROR}`);
  return errors;
}

/** Complaints about a label value: at most 63 characters, may be empty. */
export function labelValueErrors(value: string): string[] {
  const errors: string[] = [];
  if (byteLength(value) > 63) errors.push(maxLengthError(63));
  if (value !== '' && !QUALIFIED_RE.test(value)) errors.push(LABEL_VALUE_ERROR);
  return errors;
}

/** Complaints about a key of a ConfigMap or Secret. */
export function configKeyErrors(value: string): string[] {
  const errors = check(value, 253, CONFIG_KEY_RE, CONFIG_KEY_ERROR);
  if (value === '.') errors.push("must not be '.'");
  else if (value === '..') errors.push("must not be '..'");
  else if (value.startsWith('..')) errors.push("must not start with '..'");
  return errors;
}

/** Complaints about an environment variable's name: any printable ASCII but `=`. */
export function envVarNameErrors(value: string): string[] {
  const errors = value === '' ? ['environment variable name must be non-empty'] : [];
  if (!ENV_NAME_RE.test(value)) errors.push(ENV_NAME_ERROR);
  return errors;
}

/** Complaints about the name of a header field (RFC 9110, less than its tokens). */
export function httpHeaderNameErrors(value: string): string[] {
  return HTTP_HEADER_RE.test(value) ? [] : [HTTP_HEADER_ERROR];
}

/** Complaints about a domain of a resolver's search list, whose labels may have underscores. */
export function searchDomainErrors(value: string): string[] {
  return check(value, 253, SEARCH_DOMAIN_RE, SEARCH_DOMAIN_ERROR);
}

/** Complaints about a port's name in a Pod (RFC 6335): at most 15 characters, at least one letter. */
export function portNameErrors(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 15) errors.push(maxLengthError(15));
  if (!/^[-a-z0-9]+$/.test(value)) {
    errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  }
  if (!/[a-z]/.test(value)) errors.push('must contain at least one letter (a-z)');
  if (value.includes('--')) errors.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) errors.push('must not begin or end with a hyphen');
  return errors;
}

/** Complaints about a port number. */
export function portNumberErrors(value: number): string[] {
  return Number.isInteger(value) && value >= 1 && value <= 65535 ? [] : ['must be between 1 and 65535, inclusive'];
}

/** Whether the text is a DNS label (RFC 1123). */
export function isDns1123Label(value: string): boolean {
  return value.length <= 63 && LABEL_RE.test(value);
}

/** Whether the text is a DNS name (RFC 1123). */
export function isDns1123Subdomain(value: string): boolean {
  return value.length <= 253 && SUBDOMAIN_RE.test(value);
}

/** Whether the text is a DNS label that starts with a letter (RFC 1035). */
export function isDns1035Label(value: string): boolean {
  return value.length <= 63 && LABEL_1035_RE.test(value);
}

/** Whether the text is a label or annotation key. */
export function isQualifiedName(value: string): boolean {
  return qualifiedNameErrors(value).length === 0;
}
