const META_PACKAGES: Readonly<Record<string, string>> = {
  meta: 'io.k8s.apimachinery.pkg.apis',
  runtime: 'io.k8s.apimachinery.pkg',
  version: 'io.k8s.apimachinery.pkg',
  intstr: 'io.k8s.apimachinery.pkg.util',
  apiregistration: 'io.k8s.kube-aggregator.pkg.apis',
  apiextensions: 'io.k8s.apiextensions-apiserver.pkg.apis',
};

/** Name of a type in an OpenAPI document: `core.v1.Service` is `io.k8s.api.core.v1.Service`. */
export function schemaName(typeId: string): string {
  // Kinds of definitions carry their whole name.
  if (typeId.startsWith('crd:')) return typeId.slice(4);
  // The group resource.k8s.io has the package name of quantities.
  if (typeId === 'resource.Quantity') return 'io.k8s.apimachinery.pkg.api.resource.Quantity';
  const group = typeId.slice(0, typeId.indexOf('.'));
  return `${META_PACKAGES[group] ?? 'io.k8s.api'}.${typeId}`;
}

/** A reference to a type of the same document. */
export function schemaRef(typeId: string): { readonly $ref: string } {
  return { $ref: `#/components/schemas/${schemaName(typeId)}` };
}
