import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Profiles, type PublicProfile } from '../users/profiles.js';

/** Time to live of a cached author: changes by other processes appear after this time at the latest. */
const AUTHOR_TTL_MS = 5_000;

/** Author of a post or a comment; null after the account was deleted. */
export type Author = PublicProfile | null;

/** Authors of posts and comments: one query for each page of a list, with a short cache. */
@Injectable()
export class Authors {
  /** Deleted authors are cached as well. The cache cannot hold null, hence the object. */
  private readonly cached = new LRUCache<string, { readonly author: Author }>({
    max: 10_000,
    ttl: AUTHOR_TTL_MS,
  });
  private changes = 0;

  constructor(private readonly profiles: Profiles) {
    profiles.onChange((accountId) => {
      this.changes++;
      this.cached.delete(accountId);
    });
  }

  /** Returns a function from an author's id to the author, for the rows of a list. */
  async findMany(rows: readonly { readonly authorId: string }[]): Promise<(authorId: string) => Author> {
    const ids = [...new Set(rows.map(({ authorId }) => authorId))];
    const found = new Map(ids.map((id) => [id, this.cached.get(id)?.author]));
    const missing = ids.filter((id) => found.get(id) === undefined);
    if (missing.length > 0) {
      const changesBefore = this.changes;
      const profiles = await this.profiles.findMany(missing);
      for (const id of missing) {
        const author = profiles.get(id) ?? null;
        found.set(id, author);
        // A profile that was changed during the query may be stale in its result.
        if (this.changes === changesBefore) this.cached.set(id, { author });
      }
    }
    return (authorId) => found.get(authorId) ?? null;
  }
}
