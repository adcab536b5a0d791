import { stringify } from 'yaml';
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

/** The text of a kubeconfig file. */
export function kubeconfigText(content: KubeconfigContent): string {
  const user = content.user ?? content.name;
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        { name: content.name, cluster: { server: content.server, 'certificate-authority-data': base64(content.ca) } },
      ],
      users: [
        {
          name: user,
          user: { 'client-certificate-data': base64(content.cert), 'client-key-data': base64(content.key) },
        },
      ],
      contexts: [{ name: content.name, context: { cluster: content.name, user } }],
      'current-context': content.name,
    },
    { lineWidth: 0 },
  );
}

/** Writes a kubeconfig file with mode 0600. */
export function writeKubeconfig(options: KubeconfigContent & { readonly file: string }): void {
  writeFileSafely(options.file, kubeconfigText(options));
}
