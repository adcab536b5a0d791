import { createSocket } from 'node:dgram';

/** Sends every datagram back. Without an address it listens on IPv4. */
export function listenUdpEcho(port: number, settings: { readonly bind: string | undefined }): Promise<void> {
  const socket = createSocket({ type: settings.bind?.includes(':') === true ? 'udp6' : 'udp4' });
  socket.on('message', (message, from) => socket.send(message, from.port, from.address));
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, settings.bind, () => {
      process.stdout.write(`listening on port ${socket.address().port} (udp)\n`);
      resolve();
    });
  });
}
