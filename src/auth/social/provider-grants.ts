import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { z } from 'zod';
import { DerivedKeys } from '../../crypto/derived-keys.js';
import type { Identity } from './identity.entity.js';

/** A provider's token that can end the connection there; the refresh token where there is one, since it lasts. */
export const providerGrant = z.object({ token: z.string(), kind: z.enum(['refresh_token', 'access_token']) });
export type ProviderGrant = z.output<typeof providerGrant>;

/** How many to seal anew at a time. */
const BATCH = 500;

type Key = Pick<Identity, 'provider' | 'subject'>;

/** Keeps the providers' tokens that leaving needs, sealed. */
@Injectable()
export class ProviderGrants {
  constructor(
    private readonly secrets: DerivedKeys,
    private readonly dataSource: DataSource,
  ) {}

  /**
   * What to store after a log-in. A refresh token stays until there is another: most log-ins bring none. What cannot be
   * opened may be one, and stays for the secret to come back.
   */
  async seal(grant: ProviderGrant | undefined, storedJwe: string | null): Promise<string | null> {
    if (grant === undefined) return storedJwe;
    if (storedJwe !== null && grant.kind === 'access_token') {
      const stored = await this.open(storedJwe);
      if (stored?.kind !== 'access_token') return this.resealed(storedJwe);
    }
    return this.secrets.seal('provider-grant', JSON.stringify(grant));
  }

  /** Of what is stored for a connection and what was before: what ends it longer. */
  async better(nowJwe: string | null, beforeJwe: string | null): Promise<string | null> {
    const [now, before] = [await this.open(nowJwe), await this.open(beforeJwe)];
    return before?.kind === 'refresh_token' && now?.kind !== 'refresh_token' ? beforeJwe : nowJwe;
  }

  /** The same, sealed under the newest secret; as it is where it cannot be opened. */
  async resealed(storedJwe: string): Promise<string> {
    if (this.secrets.isNewest('provider-grant', storedJwe)) return storedJwe;
    const opened = await this.secrets.open('provider-grant', storedJwe);
    return opened === undefined ? storedJwe : this.secrets.seal('provider-grant', opened);
  }

  /** Seals anew what an older secret has sealed, so that it can be left out one day. */
  async resealAll(): Promise<void> {
    let last: Key | undefined = { provider: '', subject: '' };
    while (last !== undefined) last = await this.resealAfter(last);
  }

  /** What was stored; undefined where there is nothing, or where its secret is gone. */
  async open(storedJwe: string | null): Promise<ProviderGrant | undefined> {
    const opened = storedJwe === null ? undefined : await this.secrets.open('provider-grant', storedJwe);
    return opened === undefined ? undefined : providerGrant.parse(JSON.parse(opened));
  }

  /** The next few; where they end, or undefined when there are no more. */
  private async resealAfter({ provider, subject }: Key): Promise<Key | undefined> {
    const rows = await this.dataSource.query<(Key & { jwe: string })[]>(
      `SELECT provider, subject, grant_jwe AS jwe FROM auth.identities
       WHERE grant_jwe IS NOT NULL AND (provider, subject) > ($1, $2) ORDER BY provider, subject LIMIT ${BATCH}`,
      [provider, subject],
    );
    for (const row of rows) {
      const renewed = await this.resealed(row.jwe);
      if (renewed === row.jwe) continue;
      // Unless a log-in has brought another one meanwhile.
      await this.dataSource.query(
        'UPDATE auth.identities SET grant_jwe = $4 WHERE provider = $1 AND subject = $2 AND grant_jwe = $3',
        [row.provider, row.subject, row.jwe, renewed],
      );
    }
    return rows.at(-1);
  }
}
