import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { problemOf } from '../problems/problem.filter.js';
import { Problem } from '../problems/problem.js';
import { RateLimits, type RateLimitName, type Requester } from '../rate-limits/rate-limits.js';
import { Writes } from './writes.js';

/** A call that may be repeated: its `Idempotency-Key`, if it has one, and what it asks for. */
export interface Call {
  readonly key: string | undefined;
  readonly request: unknown;
  /** Rate limit and requester that a first call counts for. A repeat, or a call that is answered 503, costs nothing. */
  readonly counts: readonly [name: RateLimitName, requester: Requester];
}

/** Of whom a call is counted, and its `Idempotency-Key`. */
export interface Caller {
  readonly key: string | undefined;
  readonly requester: Requester;
}

/** Takes a key, also one that was used a day ago. Whoever uses it in this moment is waited for. */
const CLAIM = `
  INSERT INTO board.idempotency_keys (account_id, key, request) VALUES ($1, $2, $3)
  ON CONFLICT (account_id, key) DO UPDATE SET request = excluded.request, answer = NULL, made_at = now()
    WHERE idempotency_keys.made_at < now() - interval '1 day'
  RETURNING key`;
const KNOWN = 'SELECT request, answer FROM board.idempotency_keys WHERE account_id = $1 AND key = $2';
const FRESH = `${KNOWN} AND made_at >= now() - interval '1 day'`;
const ANSWER = 'UPDATE board.idempotency_keys SET answer = $3 WHERE account_id = $1 AND key = $2';

/** Does things once, however often they are asked for (draft-ietf-httpapi-idempotency-key-header). */
@Injectable()
export class Once {
  constructor(
    private readonly dataSource: DataSource,
    private readonly writes: Writes,
    private readonly limits: RateLimits,
  ) {}

  /**
   * Runs `work` in a transaction. When the actor has used the key within a day, it answers what the first call did instead;
   * a call that failed has not used it. The answer has to survive JSON.
   * @throws {Problem} `idempotency_key_reused` when the key came with another request; `too_many_attempts`.
   */
  async perform<T>(
    actor: Actor,
    { key, request, counts: [name, requester] }: Call,
    work: (db: EntityManager) => Promise<T>,
  ): Promise<T> {
    const { accountId } = actor;
    const fingerprint = createHash('sha256').update(JSON.stringify(request)).digest();
    if (key !== undefined) {
      const [fresh] = await this.dataSource.query<Known<T>[]>(FRESH, [accountId, key]);
      if (fresh !== undefined) return answerOf(fresh, fingerprint);
    }
    await this.limits.count(name, requester);
    let costs = true;
    try {
      return await this.writes.transaction(actor, async (db) => {
        if (key === undefined) return work(db);
        const claimed = await db.query<unknown[]>(CLAIM, [accountId, key, fingerprint]);
        // Otherwise a call of the same moment has done it.
        costs = claimed.length > 0;
        if (!costs) {
          const [known] = await db.query<Known<T>[]>(KNOWN, [accountId, key]);
          return answerOf(known, fingerprint);
        }
        const answer = await work(db);
        await db.query(ANSWER, [accountId, key, JSON.stringify(answer)]);
        return answer;
      });
    } catch (error) {
      if (problemOf(error).status === 503) costs = false;
      throw error;
    } finally {
      if (!costs) await this.limits.giveBack(name, requester);
    }
  }
}

/** Request and answer of the first call with a key. */
interface Known<T> {
  readonly request: Buffer;
  readonly answer: T;
}

function answerOf<T>(known: Known<T> | undefined, fingerprint: Buffer): T {
  if (known?.request.equals(fingerprint) !== true) throw new Problem('idempotency_key_reused');
  return known.answer;
}
