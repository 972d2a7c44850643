import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** TCP proxy whose server can be replaced by another, like a virtual IP or a managed Redis. */
export class FailOverProxy {
  private readonly sockets = new Set<Socket>();
  /** Connections to the server, with their client's connection. */
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

  /** Port of the proxy. */
  get address(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.address}`;
  }

  /** Replaces the server, and breaks all connections to the former one. */
  failOver(port: number): void {
    this.port = port;
    for (const socket of this.sockets) socket.destroy();
  }

  /** Holds responses back. Requests still arrive. */
  holdAnswers(): void {
    for (const upstream of this.upstreams.keys()) upstream.unpipe().pause();
  }

  /** Holds requests back until {@link release}. */
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
