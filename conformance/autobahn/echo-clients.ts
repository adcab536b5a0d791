/**
 * Plays the cases of a fuzzing server with `ws` as the client, by each of the ways that gateway.ts printed (file
 * given): an agent of the report for each. The server writes the report when all are done.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { WebSocket } from 'ws';

const file = process.argv[2];
if (file === undefined) throw new Error('usage: echo-clients.ts WAYS.json');
const ways = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;

// The server takes no Host with another port than its own.
const host = `localhost:${new URL(ways.direct!).port}`;
// The cases 9.3 send 65,536 fragments; by default more than 16,384 are a mistake for `ws`.
const options = { rejectUnauthorized: false, perMessageDeflate: true, headers: { Host: host }, maxFragments: 1 << 20 };
const dial = (url: string): WebSocket => new WebSocket(url, options);

/** What the first message says. */
async function ask(url: string): Promise<string> {
  const socket = dial(url);
  const closed = once(socket, 'close');
  const [data] = (await once(socket, 'message')) as [Buffer];
  await closed;
  return data.toString();
}

/** One case: what comes is sent back, until the server is done. */
async function play(url: string): Promise<void> {
  const socket = dial(url);
  let opened = false;
  socket.once('open', () => {
    opened = true;
  });
  // The server breaks rules on purpose; what that does to the client is in its report.
  let fault: Error | undefined;
  socket.on('error', (error) => {
    fault = error;
  });
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  await new Promise((closed) => socket.once('close', closed));
  if (!opened) throw new Error(`no connection to ${url}`, { cause: fault });
}

const count = Number(await ask(`${ways.direct}/getCaseCount`));
await Promise.all(
  Object.entries(ways).map(async ([agent, url]) => {
    for (let number = 1; number <= count; number++) await play(`${url}/runCase?case=${number}&agent=${agent}`);
  }),
);
await play(`${ways.direct}/updateReports?agent=direct`);
console.log(`${count} cases by ${Object.keys(ways).length} ways`);
