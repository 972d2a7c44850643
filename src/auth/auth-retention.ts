import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Batches } from '../database/batches.js';
import { Periodic } from '../concurrency/periodic.js';
import { Outbox } from '../outbox/outbox.js';
import { DerivedKeys } from '../crypto/derived-keys.js';
import { MailBackoff } from './account-mails/mail-backoff.js';
import { Accounts } from './accounts/accounts.js';
import { AuditLog } from './audit/audit-log.js';
import { OneTimeTokens } from './local/one-time-tokens.js';
import { SessionRows } from './sessions/session-rows.js';
import { ProviderGrants } from './social/provider-grants.js';

/** Key of the advisory lock under which one process does the work. */
const LOCK = 0x74696479;
const INTERVAL_MS = 3_600_000;
const JITTER = 0.1;

/**
 * Retention of the tables of AuthService, once an hour: ends sessions past a limit, deletes rows past their retention, and
 * seals secrets of an older `AUTH_SECRET` under the newest one. The owner of each table defines its retention.
 */
@Injectable()
export class AuthRetention implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(AuthRetention.name);
  private readonly batches: Batches;
  private readonly periodic = new Periodic(() => this.run(), {
    everyMs: INTERVAL_MS,
    jitter: JITTER,
    onFailure: (error) => this.logger.warn({ err: error }, 'retention of accounts and sessions failed'),
  });

  constructor(
    dataSource: DataSource,
    private readonly sessions: SessionRows,
    private readonly audit: AuditLog,
    private readonly tokens: OneTimeTokens,
    private readonly accounts: Accounts,
    private readonly secrets: DerivedKeys,
    private readonly grants: ProviderGrants,
    private readonly outbox: Outbox,
    private readonly mailBackoff: MailBackoff,
  ) {
    this.batches = new Batches(dataSource, LOCK);
  }

  onApplicationBootstrap(): void {
    this.periodic.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.periodic.stop();
  }

  /** Does the work now. Each deletion is skipped while another process does it. */
  async run(): Promise<void> {
    await this.sessions.endPassed(this.batches);
    await this.sessions.prune(this.batches);
    await this.audit.prune(this.batches);
    await this.tokens.prune(this.batches);
    await this.accounts.prune(this.batches);
    await this.mailBackoff.prune();
    if (this.secrets.hasOlderSecrets) {
      await this.grants.resealAll();
      await this.outbox.resealAll();
    }
  }
}
