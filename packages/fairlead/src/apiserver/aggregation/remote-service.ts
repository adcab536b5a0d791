import { type KubeObject, recordOf } from '../watch/kube-object.ts';

/** An APIService whose group version another server serves. */
export interface RemoteService {
  /** Name of the APIService: `v1.example.com`. */
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly groupPriority: number;
  readonly versionPriority: number;
  readonly service: { readonly namespace: string; readonly name: string; readonly port: number };
  /** PEM; absent: the authorities of the system. */
  readonly ca?: Buffer;
  /** The certificate of the server is not checked. */
  readonly insecure: boolean;
}

/** What an APIService says about another server; `undefined` for one that this server itself serves. */
export function remoteServiceOf({ metadata, spec: given }: KubeObject): RemoteService | undefined {
  const spec = recordOf(given) ?? {};
  const service = recordOf(spec.service);
  const group = String(spec.group ?? '');
  if (service === undefined || group === '') return undefined;
  const bundle = String(spec.caBundle ?? '');
  return {
    name: metadata.name ?? '',
    group,
    version: String(spec.version ?? ''),
    groupPriority: Number(spec.groupPriorityMinimum ?? 0),
    versionPriority: Number(spec.versionPriority ?? 0),
    service: {
      namespace: String(service.namespace ?? ''),
      name: String(service.name ?? ''),
      port: Number(service.port ?? 443),
    },
    ...(bundle === '' ? {} : { ca: Buffer.from(bundle, 'base64') }),
    insecure: spec.insecureSkipTLSVerify === true,
  };
}
