import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { z } from 'zod';
import { Metrics } from '../../observability/metrics.js';
import { Outbox } from '../../outbox/outbox.js';
import { Identity } from './identity.entity.js';
import { ProviderGrants } from './provider-grants.js';
import { Providers } from './providers.js';

const unlinkMessage = z.object({
  accountId: z.uuid(),
  provider: z.string(),
  subject: z.string(),
  grantJwe: z.string().nullable(),
});
type UnlinkMessage = z.output<typeof unlinkMessage>;

/** Outbox handler of `provider.unlink`: ends connections at the providers. */
@Injectable()
export class ProviderUnlink implements OnModuleInit {
  private readonly logger = new Logger(ProviderUnlink.name);

  constructor(
    private readonly outbox: Outbox,
    private readonly dataSource: DataSource,
    private readonly providers: Providers,
    private readonly grants: ProviderGrants,
    private readonly metrics: Metrics,
  ) {}

  onModuleInit(): void {
    this.outbox.handle('provider.unlink', {
      name: 'providers',
      schema: unlinkMessage,
      target: ({ provider }) => provider,
      concurrency: 2,
      reseal: async (message) => ({
        ...message,
        grantJwe: message.grantJwe && (await this.grants.resealed(message.grantJwe)),
      }),
      deliver: async (message) => {
        if (!(await this.isInUseAgain(message))) await this.unlink(message);
      },
    });
  }

  /** True where the user has linked the identity again meanwhile. The connection stays then, with the better grant. */
  private async isInUseAgain({ provider, subject, grantJwe }: UnlinkMessage): Promise<boolean> {
    return this.dataSource.transaction(async (db) => {
      const identity = await db.findOne(Identity, {
        where: { provider, subject },
        lock: { mode: 'pessimistic_write' },
      });
      if (identity === null) return false;
      const better = await this.grants.better(identity.grantJwe, grantJwe);
      if (better !== identity.grantJwe) {
        await db.update(Identity, { provider, subject }, { grantJwe: better });
      }
      return true;
    });
  }

  private async unlink({ provider: id, subject, grantJwe, accountId }: UnlinkMessage): Promise<void> {
    const provider = this.providers.find(id);
    if (provider === undefined) throw new Error(`${id} is not enabled here`);
    const grant = await this.grants.open(grantJwe);
    if (await provider.unlink(subject, grant)) return;
    if (grantJwe !== null && grant === undefined)
      throw new Error('the secret that has sealed the token is not among those in AUTH_SECRET');
    this.metrics.unlinksFailed.inc({ provider: id });
    this.logger.warn(
      { accountId, provider: id },
      'cannot end the connection at the provider, because no valid token is left; only the user can end it there',
    );
  }
}
