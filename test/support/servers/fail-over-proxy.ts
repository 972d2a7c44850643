import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** One address in front of a server that may be exchanged for another, as a virtual IP or a managed Redis has it. */
export class FailOverProxy {
  private readonly sockets = new Set<Socket>();
  /** Each with the one on whose behalf it asks. */
  private readonly upstreams = new Map<Socket, Socket>();
  private readonly server = createServer((client) => {
    const upstream = connect(this.port, '127.0.0.1');
    this.upstreams.set(upstream, client);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.sockets.add(socket);
      socket.pipe(other);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.sockets.delete(socket);
        this.upstreams.delete(socket);
        other.destroy();
      });
    }
  });

  private constructor(private port: number) {}

  static async before(port: number): Promise<FailOverProxy> {
    const proxy = new FailOverProxy(port);
    await new Promise<void>((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** The port that it listens on. */
  get address(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.address}`;
  }

  /** From now on the other server answers here; connections to the first break. */
  failOver(port: number): void {
    this.port = port;
    for (const socket of this.sockets) socket.destroy();
  }

  /** From now on what is asked arrives, and what is answered does not. */
  holdAnswers(): void {
    for (const upstream of this.upstreams.keys()) upstream.unpipe().pause();
  }

  /** From now on what is asked is under way, and arrives after {@link release}. */
  holdRequests(): void {
    for (const client of this.upstreams.values()) client.unpipe().pause();
  }

  release(): void {
    for (const [upstream, client] of this.upstreams) client.pipe(upstream);
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
