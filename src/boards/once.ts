import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { Problem } from '../problems/problem.js';

/** A call that may be repeated: its `Idempotency-Key`, if it has one, and what it asks for. */
export interface Call {
  readonly key: string | undefined;
  readonly request: unknown;
}

/** Takes a key, also one that was used a day ago. Whoever uses it in this moment is waited for. */
const CLAIM = `
  INSERT INTO board.idempotency_keys (account_id, key, request) VALUES ($1, $2, $3)
  ON CONFLICT (account_id, key) DO UPDATE SET request = excluded.request, answer = NULL, made_at = now()
    WHERE idempotency_keys.made_at < now() - interval '1 day'
  RETURNING key`;
const KNOWN = 'SELECT request, answer FROM board.idempotency_keys WHERE account_id = $1 AND key = $2';
const ANSWER = 'UPDATE board.idempotency_keys SET answer = $3 WHERE account_id = $1 AND key = $2';

/** Does things once, however often they are asked for (draft-ietf-httpapi-idempotency-key-header). */
@Injectable()
export class Once {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Runs `work` in a transaction. When the actor has used the key within a day, it answers what the first call did instead;
   * a call that failed has not used it. The answer has to survive JSON.
   * @throws {Problem} `idempotency_key_reused` when the key came with another request.
   */
  async perform<T>(
    { accountId }: Actor,
    { key, request }: Call,
    work: (db: EntityManager) => Promise<T>,
  ): Promise<T> {
    return this.dataSource.transaction(async (db) => {
      if (key === undefined) return work(db);
      const fingerprint = createHash('sha256').update(JSON.stringify(request)).digest();
      const claimed = await db.query<unknown[]>(CLAIM, [accountId, key, fingerprint]);
      if (claimed.length > 0) {
        const answer = await work(db);
        await db.query(ANSWER, [accountId, key, JSON.stringify(answer)]);
        return answer;
      }
      const [known] = await db.query<{ request: Buffer; answer: T }[]>(KNOWN, [accountId, key]);
      if (known?.request.equals(fingerprint) !== true) throw new Problem('idempotency_key_reused');
      return known.answer;
    });
  }
}
