import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Profiles, type PublicProfile } from '../users/profiles.js';

/** How long (ms) what another process changed may go unnoticed. */
const CACHED_AUTHORS = 5_000;

/** Who wrote something; null when they have left. */
export type Author = PublicProfile | null;

/** The authors of a page, asked for all at once, and remembered for a moment. */
@Injectable()
export class Authors {
  /** With those who have left, in a box, since the cache holds no null. */
  private readonly cached = new LRUCache<string, { readonly author: Author }>({
    max: 10_000,
    ttl: CACHED_AUTHORS,
  });
  private changes = 0;

  constructor(private readonly profiles: Profiles) {
    profiles.onChange((accountId) => {
      this.changes++;
      this.cached.delete(accountId);
    });
  }

  /** The authors of everything in a list. */
  async findMany(written: readonly { readonly authorId: string }[]): Promise<(authorId: string) => Author> {
    const ids = [...new Set(written.map(({ authorId }) => authorId))];
    const found = new Map(ids.map((id) => [id, this.cached.get(id)?.author]));
    const missing = ids.filter((id) => found.get(id) === undefined);
    if (missing.length > 0) {
      const before = this.changes;
      const profiles = await this.profiles.findMany(missing);
      for (const id of missing) {
        const author = profiles.get(id) ?? null;
        found.set(id, author);
        // What was read while somebody changed something may be old already.
        if (this.changes === before) this.cached.set(id, { author });
      }
    }
    return (authorId) => found.get(authorId) ?? null;
  }
}
