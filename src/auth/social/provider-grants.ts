import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Secrets } from '../../secrets.js';

/** A provider's token that can end the connection there; the refresh token where there is one, since it lasts. */
export const providerGrant = z.object({ token: z.string(), kind: z.enum(['refresh_token', 'access_token']) });
export type ProviderGrant = z.output<typeof providerGrant>;

/** Keeps the providers' tokens that leaving needs, sealed. */
@Injectable()
export class ProviderGrants {
  constructor(private readonly secrets: Secrets) {}

  /** What to store after a log-in. A refresh token stays until there is another: most log-ins bring none. */
  async seal(grant: ProviderGrant | undefined, storedJwe: string | null): Promise<string | null> {
    if (grant === undefined) return storedJwe;
    if (grant.kind === 'access_token' && (await this.open(storedJwe))?.kind === 'refresh_token')
      return storedJwe;
    return this.secrets.seal('provider-grant', JSON.stringify(grant));
  }

  /** What was stored; undefined where there is nothing, or where its secret is gone. */
  async open(storedJwe: string | null): Promise<ProviderGrant | undefined> {
    const opened = storedJwe === null ? undefined : await this.secrets.open('provider-grant', storedJwe);
    return opened === undefined ? undefined : providerGrant.parse(JSON.parse(opened));
  }
}
