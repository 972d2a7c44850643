import { createServer } from 'node:net';

/** Below what Linux and macOS give to outgoing connections: a port that is free here stays so until somebody asks for it. */
const [LOWEST, HIGHEST] = [10_000, 30_000];
let next = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));

/** Free ports on loopback, all different, and none that this process was given before. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    // Its own, since whoever else asks meanwhile moves `next` on.
    const port = (next = next < HIGHEST ? next + 1 : LOWEST);
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
