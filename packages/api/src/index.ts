export * from './resource-ref.ts';
export * from './stored.ts';
export type * from './types.ts';
