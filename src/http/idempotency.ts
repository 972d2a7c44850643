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

/** A call that a client may repeat. */
interface IdempotentCall {
  /** Rate limit of a first call. A repetition, and a call that fails with 503, do not count. */
  readonly limit: RateLimitName;
  /** The part of the request that a repetition must have in common with the first call. */
  readonly request: unknown;
}

interface StoredResponse<T> {
  readonly request: Buffer;
  readonly response: T;
}

/**
 * Idempotent execution of calls (draft-ietf-httpapi-idempotency-key-header). Each module provides its own instance, for the
 * table `idempotency_keys` in its schema.
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
    // Waits for a concurrent call with the same key, and replaces a key that is older than a day.
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
   * Runs `work` in a transaction, and stores its result as JSON. A repetition within a day returns the stored result. A call
   * that fails does not use up its key.
   * @throws {Problem} `idempotency_key_reused` if the key was used with another request; `too_many_attempts`.
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
