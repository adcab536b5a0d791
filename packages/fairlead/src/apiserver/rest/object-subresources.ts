import { type KubeObject, recordOf } from '../watch/kube-object.ts';

type Fields = Record<string, unknown>;

/** Subresources that are the object itself, of which they change a part. */
const partsOfObjects: ReadonlySet<string> = new Set(['status', 'approval', 'ephemeralcontainers', 'resize']);

/** Whether a subresource is read and written as the object. */
export function isPartOfObject(subresource: string): boolean {
  return partsOfObjects.has(subresource);
}

/** The Pod that a write through `ephemeralcontainers` or `resize` leads to. Never changes its arguments. */
export function withPodPart(proposed: KubeObject, old: KubeObject, subresource: string): KubeObject {
  const before = recordOf(old.spec) ?? {};
  const spec = recordOf(proposed.spec) ?? {};
  if (subresource === 'ephemeralcontainers') {
    const { ephemeralContainers: _, ...rest } = before;
    const added = spec.ephemeralContainers;
    return { ...old, spec: added === undefined ? rest : { ...rest, ephemeralContainers: added } };
  }
  const lists = ['containers', 'initContainers'] as const;
  // What adds, removes or renames containers is refused later, as it is.
  if (lists.some((list) => !sameNames(containersIn(spec, list), containersIn(before, list)))) {
    return { ...old, spec };
  }
  const resized: Fields = { ...before };
  for (const list of lists) {
    if (before[list] === undefined) continue;
    const wanted = containersIn(spec, list);
    resized[list] = containersIn(before, list).map((container, index) => {
      const { resources: _, resizePolicy: __, ...rest } = container;
      const { resources, resizePolicy } = wanted[index]!;
      return {
        ...rest,
        ...(resources === undefined ? {} : { resources }),
        ...(resizePolicy === undefined ? {} : { resizePolicy }),
      };
    });
  }
  return { ...old, spec: resized };
}

function containersIn(spec: Readonly<Fields>, list: string): Fields[] {
  return Array.isArray(spec[list]) ? (spec[list] as Fields[]) : [];
}

function sameNames(a: readonly Fields[], b: readonly Fields[]): boolean {
  return a.length === b.length && a.every((container, index) => container.name === b[index]!.name);
}
