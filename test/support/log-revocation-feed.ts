import type { Denylist } from '../../src/access/denylist.js';
import { RevocationFeed } from '../../src/access/revocation-feed.js';

/** Entry of a revocation log. */
export interface Revocation {
  readonly kind: 'session' | 'account';
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Smallest revocation feed: reads a log by offset, as a service without AuthService's rows would over HTTP. */
export class LogRevocationFeed extends RevocationFeed {
  private offset = 0;

  /** @param read Returns the log from an offset. */
  constructor(
    private readonly denylist: Denylist,
    private readonly read: (offset: number) => Promise<readonly Revocation[]>,
    private readonly maxAgeMs: number,
  ) {
    super();
  }

  publish(sessionId: string): void {
    this.denylist.denySession(sessionId);
  }

  async poll(): Promise<void> {
    await this.readFrom(this.offset);
  }

  async resync(): Promise<void> {
    await this.readFrom(0);
  }

  private async readFrom(offset: number): Promise<void> {
    const entries = await this.read(offset);
    for (const { kind, id, at } of entries) {
      if (at < Date.now() - this.maxAgeMs) continue;
      if (kind === 'session') this.denylist.denySession(id);
      else this.denylist.denyTokensIssuedUntilNow(id);
    }
    this.offset = offset + entries.length;
  }
}
