import { createServer } from 'node:net';

/** Range below the ephemeral ports of Linux and macOS, so that no outgoing connection takes a free port. */
const [LOWEST, HIGHEST] = [10_000, 30_000];
let next = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));

/** Returns free ports on loopback, all different from each other and from earlier ones of this process. */
export async function freePorts(count) {
  const ports = [];
  while (ports.length < count) {
    // A copy, because concurrent calls increment `next`.
    const port = (next = next < HIGHEST ? next + 1 : LOWEST);
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

function isFree(port) {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
