import { type JsonObject, stringsIn, textIn } from '../fields.ts';
import { givenObject } from './pod-context.ts';

/** A seccomp profile by the names that it has inside a server, as some messages show it. */
export function goSeccompProfile(profile: JsonObject): object {
  return { Type: textIn(profile, 'type'), LocalhostProfile: profile.localhostProfile ?? null };
}

/** A container's security context by the names inside a server. */
export function goSecurityContext(context: JsonObject): object {
  const capabilities = givenObject(context, 'capabilities');
  const list = (name: string): readonly string[] | null => {
    const texts = stringsIn(capabilities ?? {}, name);
    return texts.length === 0 ? null : texts;
  };
  const linux = givenObject(context, 'seLinuxOptions');
  const windows = givenObject(context, 'windowsOptions');
  const seccomp = givenObject(context, 'seccompProfile');
  const appArmor = givenObject(context, 'appArmorProfile');
  return {
    Capabilities: capabilities === undefined ? null : { Add: list('add'), Drop: list('drop') },
    Privileged: context.privileged ?? null,
    SELinuxOptions:
      linux === undefined
        ? null
        : {
            User: textIn(linux, 'user'),
            Role: textIn(linux, 'role'),
            Type: textIn(linux, 'type'),
            Level: textIn(linux, 'level'),
          },
    WindowsOptions:
      windows === undefined
        ? null
        : {
            GMSACredentialSpecName: windows.gmsaCredentialSpecName ?? null,
            GMSACredentialSpec: windows.gmsaCredentialSpec ?? null,
            RunAsUserName: windows.runAsUserName ?? null,
            HostProcess: windows.hostProcess ?? null,
          },
    RunAsUser: context.runAsUser ?? null,
    RunAsGroup: context.runAsGroup ?? null,
    RunAsNonRoot: context.runAsNonRoot ?? null,
    ReadOnlyRootFilesystem: context.readOnlyRootFilesystem ?? null,
    AllowPrivilegeEscalation: context.allowPrivilegeEscalation ?? null,
    ProcMount: context.procMount ?? null,
    SeccompProfile: seccomp === undefined ? null : goSeccompProfile(seccomp),
    AppArmorProfile: appArmor === undefined ? null : goSeccompProfile(appArmor),
  };
}

/** A resource claim of a Pod by the names inside a server. */
export function goResourceClaim(claim: JsonObject): object {
  return {
    Name: textIn(claim, 'name'),
    ResourceClaimName: claim.resourceClaimName ?? null,
    ResourceClaimTemplateName: claim.resourceClaimTemplateName ?? null,
  };
}

/** A node selector's terms by the names inside a server. */
export function goNodeSelectorTerm(term: JsonObject): object {
  const list = (name: string): object[] | null => {
    const items = term[name];
    if (!Array.isArray(items) || items.length === 0) return null;
    return (items as JsonObject[]).map((item) => ({
      Key: textIn(item, 'key'),
      Operator: textIn(item, 'operator'),
      Values: item.values ?? null,
    }));
  };
  return { MatchExpressions: list('matchExpressions'), MatchFields: list('matchFields') };
}
