import { type JsonObject, objectIn, objectsIn, setDefault, setDefaultNumber, setDefaultText } from './fields.ts';
import { parseImageName } from './image-name.ts';

/** Init, main and ephemeral containers of a Pod spec. */
export function containersOf(spec: JsonObject): JsonObject[] {
  return [
    ...objectsIn(spec, 'initContainers'),
    ...objectsIn(spec, 'containers'),
    ...objectsIn(spec, 'ephemeralContainers'),
  ];
}

/** Defaults of one container. */
export function applyContainerDefaults(container: JsonObject): void {
  setDefaultText(
    container,
    'imagePullPolicy',
    pullPolicyFor(typeof container.image === 'string' ? container.image : ''),
  );
  setDefaultText(container, 'terminationMessagePath', '/dev/termination-log');
  setDefaultText(container, 'terminationMessagePolicy', 'File');
  for (const port of objectsIn(container, 'ports')) setDefaultText(port, 'protocol', 'TCP');
  for (const variable of objectsIn(container, 'env')) applyFieldRefDefault(objectIn(variable, 'valueFrom'));
  for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    const probe = objectIn(container, name);
    if (probe !== undefined) applyProbeDefaults(probe);
  }
  for (const name of ['postStart', 'preStop']) {
    applyHttpGetDefaults(objectIn(objectIn(objectIn(container, 'lifecycle'), name), 'httpGet'));
  }
}

/** `Always` for images without a tag or tagged `latest`, unless pinned by a digest or no image name at all. */
function pullPolicyFor(image: string): string {
  const name = parseImageName(image);
  if (name === undefined) return 'IfNotPresent';
  return name.tag === 'latest' || (name.tag === '' && name.digest === '') ? 'Always' : 'IfNotPresent';
}

function applyProbeDefaults(probe: JsonObject): void {
  applyHttpGetDefaults(objectIn(probe, 'httpGet'));
  const grpc = objectIn(probe, 'grpc');
  if (grpc !== undefined) setDefault(grpc, 'service', '');
  setDefaultNumber(probe, 'timeoutSeconds', 1);
  setDefaultNumber(probe, 'periodSeconds', 10);
  setDefaultNumber(probe, 'successThreshold', 1);
  setDefaultNumber(probe, 'failureThreshold', 3);
}

function applyHttpGetDefaults(httpGet: JsonObject | undefined): void {
  if (httpGet === undefined) return;
  setDefaultText(httpGet, 'path', '/');
  setDefaultText(httpGet, 'scheme', 'HTTP');
}

/** `fieldRef.apiVersion` is v1. */
export function applyFieldRefDefault(holder: JsonObject | undefined): void {
  const fieldRef = objectIn(holder, 'fieldRef');
  if (fieldRef !== undefined) setDefaultText(fieldRef, 'apiVersion', 'v1');
}
