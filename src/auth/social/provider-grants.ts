import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { z } from 'zod';
import { DerivedKeys } from '../../crypto/derived-keys.js';
import type { Identity } from './identity.entity.js';

/** Token that can end a connection at the provider. A refresh token is preferred, because it lives longer. */
const providerGrant = z.object({ token: z.string(), kind: z.enum(['refresh_token', 'access_token']) });
export type ProviderGrant = z.output<typeof providerGrant>;

/** Rows of one batch of {@link ProviderGrants.resealAll}. */
const BATCH = 500;

type Key = Pick<Identity, 'provider' | 'subject'>;

/** Sealed tokens that end connections at the providers, in `auth.identities.grant_jwe`. */
@Injectable()
export class ProviderGrants {
  constructor(
    private readonly secrets: DerivedKeys,
    private readonly dataSource: DataSource,
  ) {}

  /**
   * Returns the sealed grant to store after a login. A stored refresh token is replaced only by another one, because most logins bring
   * none. A stored grant that cannot be opened is kept as well: its secret may be configured again.
   */
  async seal(grant: ProviderGrant | undefined, storedJwe: string | null): Promise<string | null> {
    if (grant === undefined) return storedJwe;
    if (storedJwe !== null && grant.kind === 'access_token') {
      const stored = await this.open(storedJwe);
      if (stored?.kind !== 'access_token') return this.resealed(storedJwe);
    }
    return this.secrets.seal('provider-grant', JSON.stringify(grant));
  }

  /** Chooses between the stored and the previous grant of a connection: a refresh token is better than an access token. */
  async better(nowJwe: string | null, beforeJwe: string | null): Promise<string | null> {
    const [now, before] = [await this.open(nowJwe), await this.open(beforeJwe)];
    return before?.kind === 'refresh_token' && now?.kind !== 'refresh_token' ? beforeJwe : nowJwe;
  }

  /** Seals a grant under the newest secret. Returns it unchanged where it cannot be opened. */
  async resealed(storedJwe: string): Promise<string> {
    if (this.secrets.isNewest('provider-grant', storedJwe)) return storedJwe;
    const opened = await this.secrets.open('provider-grant', storedJwe);
    return opened === undefined ? storedJwe : this.secrets.seal('provider-grant', opened);
  }

  /** Seals all grants of older secrets under the newest one, so that the older secrets can be removed from the settings. */
  async resealAll(): Promise<void> {
    let last: Key | undefined = { provider: '', subject: '' };
    while (last !== undefined) last = await this.resealAfter(last);
  }

  /** Opens a stored grant. Returns undefined where there is none, or where its secret is not configured. */
  async open(storedJwe: string | null): Promise<ProviderGrant | undefined> {
    const opened = storedJwe === null ? undefined : await this.secrets.open('provider-grant', storedJwe);
    return opened === undefined ? undefined : providerGrant.parse(JSON.parse(opened));
  }

  /** Seals the next batch. Returns the key of its last row, or undefined when no rows are left. */
  private async resealAfter({ provider, subject }: Key): Promise<Key | undefined> {
    const rows = await this.dataSource.query<(Key & { jwe: string })[]>(
      `SELECT provider, subject, grant_jwe AS jwe FROM auth.identities
       WHERE grant_jwe IS NOT NULL AND (provider, subject) > ($1, $2) ORDER BY provider, subject LIMIT ${BATCH}`,
      [provider, subject],
    );
    for (const row of rows) {
      const renewed = await this.resealed(row.jwe);
      if (renewed === row.jwe) continue;
      // The last condition keeps a grant that a concurrent login has stored.
      await this.dataSource.query(
        'UPDATE auth.identities SET grant_jwe = $4 WHERE provider = $1 AND subject = $2 AND grant_jwe = $3',
        [row.provider, row.subject, row.jwe, renewed],
      );
    }
    return rows.at(-1);
  }
}
