import { createSocket } from 'node:dgram';
import { connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { systemClock } from '../../sys/clock.ts';
import { askSctp, serveSctp } from './sctp.ts';

/**
 * Runs inside a network namespace of a test: serves on the ports it is told,
 * answering `name clientAddress`, and makes connections. Commands and answers
 * are JSON lines.
 */
export type ProbeCommand =
  | {
      readonly id: number;
      readonly do: 'serve';
      readonly name: string;
      readonly tcp: number[];
      readonly udp: number[];
      readonly echo?: number[];
      /** TCP: takes everything, and then says how many bytes it was. */
      readonly sink?: number[];
      /** Where datagrams are received. Default: everywhere. */
      readonly address?: string;
      /** Answers SCTP on every port. */
      readonly sctp?: boolean;
    }
  | {
      readonly id: number;
      readonly do: 'open';
      readonly name: string;
      readonly host: string;
      readonly port: number;
      readonly sourcePort?: number;
    }
  | { readonly id: number; readonly do: 'say'; readonly name: string; readonly timeoutMs: number }
  | {
      readonly id: number;
      readonly do: 'upload';
      readonly host: string;
      readonly port: number;
      readonly bytes: number;
      readonly timeoutMs: number;
    }
  | {
      readonly id: number;
      readonly do: 'connect';
      readonly protocol: 'TCP' | 'UDP' | 'SCTP';
      readonly host: string;
      readonly port: number;
      readonly source?: string;
      readonly sourcePort?: number;
      /** UDP: bytes of the question. */
      readonly size?: number;
      /** After this long without an answer the packet counts as dropped. */
      readonly timeoutMs: number;
    };

/** `text`: what the server answered; otherwise how it failed. */
export type ProbeAnswer =
  | { readonly id: number; readonly text: string }
  | { readonly id: number; readonly error: string };

const plain = (address: string | undefined): string => (address ?? '').replace(/^::ffff:/, '');

async function serve(
  name: string,
  tcp: readonly number[],
  udp: readonly number[],
  echo: readonly number[],
  address: string,
  sink: readonly number[],
): Promise<string> {
  for (const port of sink) {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      let count = 0;
      socket
        .on('error', () => undefined)
        .on('data', (data) => {
          count += data.length;
        });
      socket.on('end', () => socket.end(`${name} ${count}`));
    });
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '::', resolve));
  }
  for (const port of echo) {
    const server = createServer((socket) => {
      socket.on('error', () => undefined).on('data', () => socket.write(name));
    });
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '::', resolve));
  }
  for (const port of tcp) {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end(`${name} ${plain(socket.remoteAddress)}`);
    });
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '::', resolve));
  }
  for (const port of udp) {
    const socket = createSocket(address.includes(':') ? { type: 'udp6', ipv6Only: false } : { type: 'udp4' });
    socket.on('message', (_, from) => socket.send(`${name} ${plain(from.address)}`, from.port, from.address));
    await new Promise<void>((resolve) => socket.bind(port, address, resolve));
  }
  return 'ok';
}

/** Connections that stay. */
const opened = new Map<string, Socket>();

function open(name: string, host: string, port: number, sourcePort?: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const from = sourcePort === undefined ? {} : { localPort: sourcePort };
    const socket = connect({ port, host, ...from }, () => resolve('ok'));
    socket.once('error', (error: NodeJS.ErrnoException) => reject(new Error(error.code ?? error.message)));
    opened.set(name, socket);
  });
}

/** Sends on a connection that stays; the answer, or how it ended. */
function say(name: string, timeoutMs: number): Promise<string> {
  const socket = opened.get(name);
  if (socket === undefined || socket.destroyed) return Promise.reject(new Error('ECLOSED'));
  return new Promise((resolve, reject) => {
    const cancel = systemClock.after(timeoutMs, () => {
      socket.off('data', onData).off('error', onError);
      reject(new Error('ETIMEDOUT'));
    });
    const onData = (data: Buffer): void => {
      cancel();
      socket.off('error', onError);
      resolve(String(data));
    };
    const onError = (error: NodeJS.ErrnoException): void => {
      cancel();
      socket.off('data', onData);
      reject(new Error(error.code ?? error.message));
    };
    socket.once('data', onData).once('error', onError);
    socket.write('?');
  });
}

type Upload = Extract<ProbeCommand, { do: 'upload' }>;

function upload({ host, port, bytes, timeoutMs }: Upload): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect({ host, port });
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error('ETIMEDOUT')));
    socket.setEncoding('utf8').on('data', (part) => {
      text += part;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => reject(new Error(error.code ?? error.message)));
    socket.on('end', () => resolve(text));
    socket.end(Buffer.alloc(bytes));
  });
}

type Connect = Extract<ProbeCommand, { do: 'connect' }>;

function connectTcp(command: Connect): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect({
      host: command.host,
      port: command.port,
      ...(command.source === undefined ? {} : { localAddress: command.source }),
    });
    socket.setTimeout(command.timeoutMs, () => socket.destroy(new Error('ETIMEDOUT')));
    socket.setEncoding('utf8').on('data', (part) => {
      text += part;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => reject(new Error(error.code ?? error.message)));
    socket.on('end', () => resolve(text));
  });
}

function connectUdp(command: Connect): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(command.host.includes(':') ? 'udp6' : 'udp4');
    const cancel = systemClock.after(command.timeoutMs, () => {
      socket.close();
      reject(new Error('ETIMEDOUT'));
    });
    const end = (): void => {
      cancel();
      socket.close();
    };
    socket.on('message', (message) => {
      end();
      resolve(String(message));
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      end();
      reject(new Error(error.code ?? error.message));
    });
    socket.bind(command.sourcePort ?? 0, command.source, () =>
      socket.connect(command.port, command.host, () => socket.send(Buffer.alloc(command.size ?? 1, '?'))),
    );
  });
}

async function answer(command: ProbeCommand): Promise<string> {
  if (command.do === 'serve') {
    if (command.sctp === true) serveSctp(command.name);
    const { name, tcp, udp, echo = [], sink = [], address = '::' } = command;
    return serve(name, tcp, udp, echo, address, sink);
  }
  if (command.do === 'upload') return upload(command);
  if (command.do === 'open') return open(command.name, command.host, command.port, command.sourcePort);
  if (command.do === 'say') return say(command.name, command.timeoutMs);
  if (command.protocol === 'SCTP') return askSctp(command.host, command.port, command.source, command.timeoutMs);
  return command.protocol === 'TCP' ? connectTcp(command) : connectUdp(command);
}

if (process.argv[1] === import.meta.filename) {
  createInterface({ input: process.stdin }).on('line', (line) => {
    const command = JSON.parse(line) as ProbeCommand;
    answer(command).then(
      (text) => console.log(JSON.stringify({ id: command.id, text })),
      (error: Error) => console.log(JSON.stringify({ id: command.id, error: error.message })),
    );
  });
}
