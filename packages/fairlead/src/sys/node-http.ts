/**
 * `node:http` as an object. An `import` of it reads every export, and with `WebSocket` loads the whole of undici:
 * 25 ms of every start, for nothing.
 */
export const nodeHttp: typeof import('node:http') = process.getBuiltinModule('node:http');
