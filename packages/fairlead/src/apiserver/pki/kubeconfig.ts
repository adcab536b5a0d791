import { writeFileSafely } from './data-key.ts';

/** One cluster, one user and the context that joins them. */
export interface KubeconfigContent {
  /** `https://host:port`. */
  readonly server: string;
  /** PEM. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** Name of the cluster and the context. */
  readonly name: string;
  /** Name of the user entry; absent: that of the context. */
  readonly user?: string;
}

/** The text of a kubeconfig file: YAML, with every value as a JSON string, which YAML reads as it is. */
function kubeconfigText(content: KubeconfigContent): string {
  const user = content.user ?? content.name;
  const text = (value: string): string => JSON.stringify(value);
  const base64 = (value: string): string => Buffer.from(value).toString('base64');
  return `apiVersion: v1
kind: Config
clusters:
  - name: ${text(content.name)}
    cluster:
      server: ${text(content.server)}
      certificate-authority-data: ${base64(content.ca)}
users:
  - name: ${text(user)}
    user:
      client-certificate-data: ${base64(content.cert)}
      client-key-data: ${base64(content.key)}
contexts:
  - name: ${text(content.name)}
    context:
      cluster: ${text(content.name)}
      user: ${text(user)}
current-context: ${text(content.name)}
`;
}

/** The same as JSON, for our own roles: they need not load a YAML library at every start. */
export function kubeconfigJson(content: KubeconfigContent): string {
  const user = content.user ?? content.name;
  const base64 = (value: string): string => Buffer.from(value).toString('base64');
  const cluster = { server: content.server, 'certificate-authority-data': base64(content.ca) };
  const credentials = { 'client-certificate-data': base64(content.cert), 'client-key-data': base64(content.key) };
  return `${JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: content.name, cluster }],
      users: [{ name: user, user: credentials }],
      contexts: [{ name: content.name, context: { cluster: content.name, user } }],
      'current-context': content.name,
    },
    undefined,
    2,
  )}\n`;
}

/** Writes a kubeconfig file with mode 0600. */
export function writeKubeconfig(options: KubeconfigContent & { readonly file: string }): void {
  writeFileSafely(options.file, kubeconfigText(options));
}
