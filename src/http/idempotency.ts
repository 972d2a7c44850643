import { createHash } from 'node:crypto';
import { DataSource, type EntityManager } from 'typeorm';
import type { Actor } from '../access/actor.js';
import type { WriteTransactions } from '../database/write-transactions.js';
import { problemOf } from '../problems/problem.filter.js';
import { Problem } from '../problems/problem.js';
import type { RateLimitName, RateLimits, RateLimitSubject } from '../rate-limits/rate-limits.js';

/** The `Idempotency-Key` of a request, and the subject of its rate limit. */
export interface Caller {
  readonly key: string | undefined;
  readonly subject: RateLimitSubject;
}

/** A call that may be repeated. */
export interface IdempotentCall {
  /** The limit that a first call counts for. A repetition and a call that is answered 503 do not count. */
  readonly limit: RateLimitName;
  /** What a repetition has to have in common with the first call. */
  readonly request: unknown;
}

interface StoredResponse<T> {
  readonly request: Buffer;
  readonly response: T;
}

/**
 * Idempotent execution of calls (draft-ietf-httpapi-idempotency-key-header). A module provides one of its own, for the table
 * `idempotency_keys` in its schema.
 */
export class Idempotency {
  private readonly claim: string;
  private readonly stored: string;
  private readonly storedToday: string;
  private readonly store: string;

  constructor(
    schema: string,
    private readonly dataSource: DataSource,
    private readonly writes: WriteTransactions,
    private readonly limits: RateLimits,
  ) {
    const table = `${schema}.idempotency_keys`;
    // Waits for a call of the same moment, and takes over a key that was used more than a day ago.
    this.claim = `
      INSERT INTO ${table} AS used (account_id, key, request) VALUES ($1, $2, $3)
      ON CONFLICT (account_id, key) DO UPDATE SET request = excluded.request, response = NULL, created_at = now()
        WHERE used.created_at < now() - interval '1 day'
      RETURNING key`;
    this.stored = `SELECT request, response FROM ${table} WHERE account_id = $1 AND key = $2`;
    this.storedToday = `${this.stored} AND created_at >= now() - interval '1 day'`;
    this.store = `UPDATE ${table} SET response = $3 WHERE account_id = $1 AND key = $2`;
  }

  /**
   * Runs `work` in a transaction, and stores its result, which has to survive JSON. A repetition within a day returns the
   * stored result instead. A call that fails does not use up its key.
   * @throws {Problem} `idempotency_key_reused` when the key came with another request; `too_many_attempts`.
   */
  async run<T>(
    actor: Actor,
    { key, subject }: Caller,
    { limit, request }: IdempotentCall,
    work: (db: EntityManager) => Promise<T>,
  ): Promise<T> {
    const { accountId } = actor;
    const fingerprint = createHash('sha256').update(JSON.stringify(request)).digest();
    if (key !== undefined) {
      const [stored] = await this.dataSource.query<StoredResponse<T>[]>(this.storedToday, [accountId, key]);
      if (stored !== undefined) return responseOf(stored, fingerprint);
    }
    await this.limits.hit(limit, subject);
    let counts = true;
    try {
      return await this.writes.run(actor, async (db) => {
        if (key === undefined) return work(db);
        const claimed = await db.query<unknown[]>(this.claim, [accountId, key, fingerprint]);
        counts = claimed.length > 0;
        if (!counts) {
          const [stored] = await db.query<StoredResponse<T>[]>(this.stored, [accountId, key]);
          return responseOf(stored, fingerprint);
        }
        const response = await work(db);
        await db.query(this.store, [accountId, key, JSON.stringify(response)]);
        return response;
      });
    } catch (error) {
      if (problemOf(error).status === 503) counts = false;
      throw error;
    } finally {
      if (!counts) await this.limits.undo(limit, subject);
    }
  }
}

function responseOf<T>(stored: StoredResponse<T> | undefined, fingerprint: Buffer): T {
  if (stored?.request.equals(fingerprint) !== true) throw new Problem('idempotency_key_reused');
  return stored.response;
}
