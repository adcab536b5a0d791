export * from './api-client.ts';
export { type BackOff, type BackOffBounds, createBackOff } from './back-off.ts';
export { type Clock, type Log, type LogLevel, pause, type Random, type Surroundings } from './clock.ts';
export { deepEqual } from './deep-equal.ts';
export {
  createEventRecorder,
  type EventRecorder,
  type EventRecorderOptions,
  type EventSubject,
} from './event-recorder.ts';
export { type ConnectOptions, connect, patchMediaTypes } from './http-client.ts';
export * from './informer.ts';
export { type ConnectConfig, KubeconfigError, loadKubeconfig, parseKubeconfig } from './kubeconfig.ts';
export { type InformerOptions, startInformer } from './list-watch.ts';
export { listPath, type PathTarget, resourcePath, watchPath, withQuery } from './resource-path.ts';
