export * from './api-client.ts';
export * from './informer.ts';
