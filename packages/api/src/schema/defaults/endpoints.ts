import { type JsonObject, objectsIn, setDefault, setDefaultText } from './fields.ts';

/** Defaults of Endpoints: TCP. */
export function applyEndpointsDefaults(endpoints: JsonObject): void {
  for (const subset of objectsIn(endpoints, 'subsets')) {
    for (const port of objectsIn(subset, 'ports')) setDefaultText(port, 'protocol', 'TCP');
  }
}

/** Defaults of an EndpointSlice: ports are unnamed and TCP. */
export function applyEndpointSliceDefaults(slice: JsonObject): void {
  for (const port of objectsIn(slice, 'ports')) {
    setDefault(port, 'name', '');
    setDefault(port, 'protocol', 'TCP');
  }
}
