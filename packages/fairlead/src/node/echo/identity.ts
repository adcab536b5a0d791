/** Who answers: taken from the environment, which the node agent (or a downward API) fills in. */
export interface Identity {
  readonly pod: string;
  readonly namespace: string;
  readonly node: string;
  readonly ip: string;
  readonly service: string;
  readonly version: string;
}

/** Reads the identity; `--name` and `--version` win over the environment. */
export function readIdentity(
  env: Readonly<Record<string, string | undefined>>,
  flags: { readonly name?: string | undefined; readonly version?: string | undefined },
): Identity {
  return {
    pod: env.POD_NAME ?? env.FAIRLEAD_POD_NAME ?? env.HOSTNAME ?? '',
    namespace: env.POD_NAMESPACE ?? env.NAMESPACE ?? env.FAIRLEAD_POD_NAMESPACE ?? '',
    node: env.NODE_NAME ?? env.FAIRLEAD_NODE_NAME ?? '',
    ip: env.FAIRLEAD_POD_IP ?? env.POD_IP ?? '',
    service: flags.name ?? env.SERVICE_NAME ?? env.FAIRLEAD_SERVICE ?? '',
    version: flags.version ?? env.FAIRLEAD_VERSION ?? '',
  };
}
