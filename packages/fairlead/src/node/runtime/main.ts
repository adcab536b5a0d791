// The Pod runtime process: owns the container processes of one node, so that they outlive the agent.
// Started by the agent as `main.ts SOCKET`; kept to few imports because it lives as long as the node.
import { chmodSync, rmSync, statSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { createServer, type Socket } from 'node:net';
import { systemClock } from '../../sys/clock.ts';
import { createProcessTable } from './process-table.ts';
import { createLineSplitter, type RuntimeMessage, type RuntimeRequest } from './protocol.ts';

/** How long the runtime waits for an agent when no process runs. */
const IDLE_EXIT_MS = 15_000;

const socketPath = process.argv[2];
if (socketPath === undefined) throw new Error('usage: main.ts SOCKET');

/** An agent that reads this much too slowly loses output; the log has it. */
const BACKLOG_MAX_BYTES = 8 * 1024 * 1024;

const agents = new Set<Socket>();
/** Who listens to the output of a process. */
const attached = new Map<string, Set<Socket>>();
let socketInode = 0;
let cancelIdle: () => void = () => {};

const send = (socket: Socket, message: RuntimeMessage): void => {
  if (!socket.destroyed) socket.write(`${JSON.stringify(message)}\n`);
};

const table = createProcessTable(
  systemClock,
  (id, exit) => {
    for (const agent of agents) send(agent, { event: 'exited', id, exit });
    armIdleExit();
  },
  (id, stream, data) => {
    const listeners = attached.get(id);
    if (listeners === undefined) return;
    const message: RuntimeMessage = { event: 'output', id, stream, data: data.toString('base64') };
    for (const agent of listeners) if (agent.writableLength < BACKLOG_MAX_BYTES) send(agent, message);
  },
);

/** Without an agent and without a running process there is nothing to keep. */
function armIdleExit(): void {
  cancelIdle();
  if (agents.size > 0 || table.running > 0) return;
  cancelIdle = systemClock.after(IDLE_EXIT_MS, () => quit());
}

function quit(): void {
  // A successor may have taken the path over.
  if (statSync(socketPath!, { throwIfNoEntry: false })?.ino === socketInode) rmSync(socketPath!, { force: true });
  process.exit(0);
}

async function shutdown(graceMs: number): Promise<void> {
  // Before the answer: a successor must not connect to a process that is about to end.
  server.close();
  const ids = table.list().map((info) => info.id);
  for (const id of ids) table.signal(id, 'SIGTERM');
  const deadline = systemClock.monotonicMs() + graceMs;
  while (table.running > 0 && systemClock.monotonicMs() < deadline) await systemClock.sleep(20);
  for (const id of ids) table.signal(id, 'SIGKILL');
  const limit = systemClock.monotonicMs() + 1000;
  while (table.running > 0 && systemClock.monotonicMs() < limit) await systemClock.sleep(10);
}

async function handle(agent: Socket, request: RuntimeRequest): Promise<unknown> {
  switch (request.op) {
    case 'list':
      return table.list();
    case 'start':
      return table.start(request.spec);
    case 'signal':
      table.signal(request.id, request.signal);
      return null;
    case 'forget':
      table.forget(request.id);
      return null;
    case 'exec':
      return table.exec(request.spec);
    case 'attach':
      attached.set(request.id, (attached.get(request.id) ?? new Set()).add(agent));
      return null;
    case 'detach':
      detach(agent, request.id);
      return null;
    case 'input':
      table.input(request.id, Buffer.from(request.data, 'base64'), request.end);
      return null;
    case 'resize':
      table.resize(request.id, request.columns, request.rows);
      return null;
    case 'shutdown':
      await shutdown(request.graceMs);
      return null;
  }
}

function detach(agent: Socket, id: string): void {
  const listeners = attached.get(id);
  if (listeners?.delete(agent) === true && listeners.size === 0) attached.delete(id);
}

const server = createServer((socket) => {
  agents.add(socket);
  cancelIdle();
  const onLine = (line: string): void => {
    const { seq, ...request } = JSON.parse(line) as RuntimeRequest & { seq: number };
    handle(socket, request as RuntimeRequest).then(
      (answer) => {
        if (request.op !== 'shutdown') return send(socket, { seq, answer });
        socket.end(`${JSON.stringify({ seq, answer })}\n`, () => quit());
      },
      (error: Error) => send(socket, { seq, error: error.message }),
    );
  };
  socket.on('data', createLineSplitter(onLine));
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    agents.delete(socket);
    for (const id of [...attached.keys()]) detach(socket, id);
    armIdleExit();
  });
});
// The agent's signals are not ours: a Ctrl-C reaches the whole terminal group.
process.on('SIGINT', () => {});
process.on('SIGHUP', () => {});
process.on('SIGPIPE', () => {});
process.on('SIGTERM', () => {
  void shutdown(2000).then(quit);
});
server.listen(socketPath, () => {
  chmodSync(socketPath, 0o600);
  socketInode = statSync(socketPath).ino;
  flushCompileCache();
  armIdleExit();
});
