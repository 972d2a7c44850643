import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** End of a connection: an error message in the same chunk as the last message, and FIN; FIN; or RST. */
export type Cut = 'error' | 'fin' | 'rst';

/** Messages of a protocol's server. */
interface Protocol {
  /** Returns the length of the message at an offset; undefined while it is incomplete. */
  readonly lengthAt: (bytes: Buffer, offset: number) => number | undefined;
  /** Message of a server that closes a connection. */
  readonly shutdownError: Buffer;
}

/** Backend messages: a type, and an Int32 with the length of the rest. The error is the FATAL of a fast shutdown. */
export const POSTGRES: Protocol = {
  lengthAt: (bytes, offset) => {
    if (bytes.length < offset + 5) return undefined;
    const length = 1 + bytes.readInt32BE(offset + 1);
    return bytes.length < offset + length ? undefined : length;
  },
  shutdownError: fatal('57P01', 'terminating connection due to administrator command'),
};

/** Replies of RESP2 and RESP3. The error belongs to no command. */
export const REDIS: Protocol = {
  lengthAt: (bytes, offset) => {
    const end = endOfReply(bytes, offset);
    return end === undefined ? undefined : end - offset;
  },
  shutdownError: Buffer.from('-ERR the server is shutting down\r\n'),
};

function fatal(sqlstate: string, message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${sqlstate}\0M${message}\0\0`);
  const head = Buffer.from('E\0\0\0\0');
  head.writeInt32BE(4 + fields.length, 1);
  return Buffer.concat([head, fields]);
}

function endOfReply(bytes: Buffer, offset: number): number | undefined {
  const line = bytes.indexOf('\r\n', offset);
  if (line === -1) return undefined;
  const type = String.fromCharCode(bytes[offset] ?? 0);
  const count = Number(bytes.toString('latin1', offset + 1, line));
  let end: number | undefined = line + 2;
  if ('$!='.includes(type) && count >= 0) end += count + 2;
  const parts = type === '%' ? 2 * count : '*~>'.includes(type) ? count : 0;
  for (let i = 0; i < parts && end !== undefined; i++) end = endOfReply(bytes, end);
  return end === undefined || end > bytes.length ? undefined : end;
}

/** TCP proxy that ends each connection after a number of messages of the server. */
export class CuttingProxy {
  private readonly sockets = new Set<Socket>();
  private cut: { readonly after: number; readonly by: Cut } | undefined;
  private round = 0;
  private readonly server = createServer((client) => this.join(client));

  private constructor(
    private readonly port: number,
    private readonly protocol: Protocol,
  ) {}

  static async before(port: number, protocol: Protocol): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(port, protocol);
    await new Promise<void>((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** Port of the proxy. */
  get address(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Ends each connection, old or new, after a number of further messages. */
  cutAfter(after: number, by: Cut): void {
    this.cut = { after, by };
    this.round++;
  }

  /** Stops cutting connections. */
  open(): void {
    this.cut = undefined;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private join(client: Socket): void {
    const upstream = connect(this.port, '127.0.0.1');
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.sockets.add(socket);
      socket.setNoDelay(true).on('error', () => other.destroy());
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
    client.pipe(upstream);
    let pending = Buffer.alloc(0);
    let [round, seen] = [this.round, 0];
    upstream.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      if (round !== this.round) [round, seen] = [this.round, 0];
      let end = 0;
      for (let length; (length = this.protocol.lengthAt(pending, end)) !== undefined;) {
        end += length;
        if (this.cut === undefined || ++seen < this.cut.after) continue;
        upstream.removeAllListeners('data');
        this.end(client, pending.subarray(0, end), this.cut.by);
        return upstream.destroy();
      }
      client.write(pending.subarray(0, end));
      pending = pending.subarray(end);
    });
  }

  private end(client: Socket, last: Buffer, by: Cut): void {
    if (by === 'error') client.end(Buffer.concat([last, this.protocol.shutdownError]));
    else if (by === 'fin') client.end(last);
    else client.write(last, () => client.resetAndDestroy());
  }
}
