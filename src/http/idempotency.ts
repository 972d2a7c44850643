import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { problemOf } from '../problems/problem.filter.js';
import { Problem } from '../problems/problem.js';
import { RateLimits, type RateLimitName, type RateLimitSubject } from '../rate-limits/rate-limits.js';
import { WriteTransactions } from '../database/write-transactions.js';

/** A call that may be repeated: its `Idempotency-Key`, if it has one, and what it asks for. */
export interface IdempotentCall {
  readonly key: string | undefined;
  readonly request: unknown;
  /** Rate limit and requester that a first call counts for. A repeat, or a call that is answered 503, costs nothing. */
  readonly counts: readonly [name: RateLimitName, requester: RateLimitSubject];
}

/** Of whom a call is counted, and its `Idempotency-Key`. */
export interface Caller {
  readonly key: string | undefined;
  readonly requester: RateLimitSubject;
}

/** Takes a key, also one that was used a day ago. Whoever uses it in this moment is waited for. */
const CLAIM = `
  INSERT INTO board.idempotency_keys (account_id, key, request) VALUES ($1, $2, $3)
  ON CONFLICT (account_id, key) DO UPDATE SET request = excluded.request, response = NULL, created_at = now()
    WHERE idempotency_keys.created_at < now() - interval '1 day'
  RETURNING key`;
const KNOWN = 'SELECT request, response FROM board.idempotency_keys WHERE account_id = $1 AND key = $2';
const FRESH = `${KNOWN} AND created_at >= now() - interval '1 day'`;
const ANSWER = 'UPDATE board.idempotency_keys SET response = $3 WHERE account_id = $1 AND key = $2';

/** Does things once, however often they are asked for (draft-ietf-httpapi-idempotency-key-header). */
@Injectable()
export class Idempotency {
  constructor(
    private readonly dataSource: DataSource,
    private readonly writes: WriteTransactions,
    private readonly limits: RateLimits,
  ) {}

  /**
   * Runs `work` in a transaction. When the actor has used the key within a day, it answers what the first call did instead;
   * a call that failed has not used it. The answer has to survive JSON.
   * @throws {Problem} `idempotency_key_reused` when the key came with another request; `too_many_attempts`.
   */
  async run<T>(
    actor: Actor,
    { key, request, counts: [name, requester] }: IdempotentCall,
    work: (db: EntityManager) => Promise<T>,
  ): Promise<T> {
    const { accountId } = actor;
    const fingerprint = createHash('sha256').update(JSON.stringify(request)).digest();
    if (key !== undefined) {
      const [fresh] = await this.dataSource.query<StoredResponse<T>[]>(FRESH, [accountId, key]);
      if (fresh !== undefined) return responseOf(fresh, fingerprint);
    }
    await this.limits.hit(name, requester);
    let costs = true;
    try {
      return await this.writes.run(actor, async (db) => {
        if (key === undefined) return work(db);
        const claimed = await db.query<unknown[]>(CLAIM, [accountId, key, fingerprint]);
        // Otherwise a call of the same moment has done it.
        costs = claimed.length > 0;
        if (!costs) {
          const [known] = await db.query<StoredResponse<T>[]>(KNOWN, [accountId, key]);
          return responseOf(known, fingerprint);
        }
        const answer = await work(db);
        await db.query(ANSWER, [accountId, key, JSON.stringify(answer)]);
        return answer;
      });
    } catch (error) {
      if (problemOf(error).status === 503) costs = false;
      throw error;
    } finally {
      if (!costs) await this.limits.undo(name, requester);
    }
  }
}

/** Request and answer of the first call with a key. */
interface StoredResponse<T> {
  readonly request: Buffer;
  readonly response: T;
}

function responseOf<T>(known: StoredResponse<T> | undefined, fingerprint: Buffer): T {
  if (known?.request.equals(fingerprint) !== true) throw new Problem('idempotency_key_reused');
  return known.response;
}
