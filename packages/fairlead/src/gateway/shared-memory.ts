import {
  BACKEND_LAYOUT,
  createBackendMemory,
  createEndpointMemory,
  createLimitMemory,
  ENDPOINT_LAYOUT,
  LIMIT_LAYOUT,
  settleLedger,
} from '@fairlead/balance';

/** Memory that all workers of a gateway and its main thread share. */
export interface SharedState {
  /** Health, latency and requests in flight of endpoints. */
  readonly endpoints: SharedArrayBuffer;
  /** Circuit breakers of backends. */
  readonly backends: SharedArrayBuffer;
  /** What adaptive concurrency and admission control of backends know. */
  readonly limits: SharedArrayBuffer;
}

/** Makes the shared memory, or a ledger of one worker for it: both have the same size. */
export function createSharedState(): SharedState {
  return { endpoints: createEndpointMemory(), backends: createBackendMemory(), limits: createLimitMemory() };
}

/** Takes back what a worker that ended had counted. */
export function settleSharedState(state: SharedState, ledger: SharedState): void {
  settleLedger(ENDPOINT_LAYOUT, state.endpoints, ledger.endpoints);
  settleLedger(BACKEND_LAYOUT, state.backends, ledger.backends);
  settleLedger(LIMIT_LAYOUT, state.limits, ledger.limits);
}
