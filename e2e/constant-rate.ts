/**
 * A load of its own process: `constant-rate.ts URL HOST RATE SECONDS` starts RATE requests a second,
 * each on a new connection, waits for every answer, and prints how they ended as JSON. With an https URL
 * HOST is also the server name; any certificate is taken, and `certificates` counts them by subject.
 */
import { Agent, request } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';

const [url = '', host = '', rate = '500', seconds = '5'] = process.argv.slice(2);
const secure = url.startsWith('https:');
const options = secure
  ? { agent: new SecureAgent({ keepAlive: false, maxCachedSessions: 0 }), servername: host, rejectUnauthorized: false }
  : { agent: new Agent({ keepAlive: false }) };
const certificates: Record<string, number> = {};
const outcomes: Record<string, number> = {};
const count = (outcome: string): void => {
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
};

function send(): Promise<void> {
  return new Promise((resolve) => {
    const done = (outcome: string): void => {
      count(outcome);
      resolve();
    };
    const sent = (secure ? secureRequest : request)(
      url,
      { ...options, headers: { host }, timeout: 10_000 },
      (response) => {
        if (secure) {
          const subject = (response.socket as TLSSocket).getPeerCertificate().subject?.O ?? '';
          certificates[String(subject)] = (certificates[String(subject)] ?? 0) + 1;
        }
        response.on('error', (error) => done(`body: ${error.message}`));
        response.on('end', () => done(String(response.statusCode)));
        response.resume();
      },
    );
    sent.on('timeout', () => sent.destroy(new Error('timeout')));
    sent.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
    sent.end();
  });
}

const total = Number(rate) * Number(seconds);
const began = performance.now();
const running: Promise<void>[] = [];
while (running.length < total) {
  const due = Math.min(total, Math.ceil(((performance.now() - began) / 1000) * Number(rate)));
  while (running.length < due) running.push(send());
  await sleep(5);
}
await Promise.all(running);
process.stdout.write(
  `${JSON.stringify({ outcomes, certificates, elapsedMs: Math.round(performance.now() - began) })}\n`,
);
