import { applyDefaults, decodeObject, schemaForKind, validateObject } from './index.ts';

/** An object as a test writes it. */
export type Json = Readonly<Record<string, unknown>>;

/** `field: message` of every cause, as a server puts them into its message. */
export function complaints(apiVersion: string, kind: string, object: Json, old?: Json): string[] {
  const complete = (value: Json): Record<string, unknown> => {
    const schema = schemaForKind(apiVersion, kind);
    const metadata = { name: 'x', ...(value.metadata as object | undefined) };
    return applyDefaults(
      apiVersion,
      kind,
      decodeObject(schema?.id ?? '', { apiVersion, kind, ...value, metadata }).object,
    );
  };
  const causes = validateObject(apiVersion, kind, complete(object), old === undefined ? undefined : complete(old));
  return causes.map(({ field, message }) => `${field}: ${message}`);
}

/** What Kubernetes says of a name, value or port of the wrong form. */
export const LABEL: string =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
export const SUBDOMAIN: string =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
export const LABEL_1035: string =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
export const QUALIFIED: string =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
export const LABEL_VALUE: string =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
export const PORT_RANGE: string = 'must be between 1 and 65535, inclusive';

/** A Pod template with the label `a: b`. */
export const template = (spec: Json): Json => ({ metadata: { labels: { a: 'b' } }, spec });
/** A Deployment that selects it. */
export const deploymentSpec = (more: Json, podSpec: Json = { containers: [{ name: 'c', image: 'i' }] }): Json => ({
  spec: { selector: { matchLabels: { a: 'b' } }, template: template(podSpec), ...more },
});
/** A Pod with a container. */
export const pod = (spec: Json): Json => ({ spec: { containers: [{ name: 'c', image: 'i' }], ...spec } });
