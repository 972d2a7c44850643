import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { z } from 'zod';
import { Metrics } from '../metrics/metrics.js';
import { Secrets } from '../secrets.js';
import { Profiles } from '../users/profiles.js';
import { Identity } from './identity.entity.js';
import { ProviderGrants } from './social/provider-grants.js';
import { Providers } from './social/providers.js';

/** What has to be done elsewhere because of something that was decided here. */
const errand = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('unlink'),
    accountId: z.uuid(),
    provider: z.string(),
    subject: z.string(),
    grantJwe: z.string().nullable(),
  }),
  z.object({ kind: z.literal('delete-profile'), accountId: z.uuid() }),
]);
export type Errand = z.output<typeof errand>;
type UnlinkErrand = Extract<Errand, { kind: 'unlink' }>;

/** How often (ms) to look for what is due. */
const EVERY = 15_000;
/** A process that takes an errand has so long (s) before another one takes it over. */
const LEASE = 60;
/** Pauses (s) double from here to there. */
const FIRST_PAUSE = 15;
const LONGEST_PAUSE = 6 * 3_600;

/**
 * An outbox: an errand is written down in the transaction that makes it necessary, and tried until it is done, by
 * whichever process comes first. `/metrics` shows what is waiting.
 */
@Injectable()
export class Errands implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(Errands.name);
  private timer: NodeJS.Timeout | undefined;
  private underWay: Promise<void> | undefined;
  private waiting = 0;

  constructor(
    private readonly dataSource: DataSource,
    private readonly secrets: Secrets,
    private readonly providers: Providers,
    private readonly grants: ProviderGrants,
    private readonly profiles: Profiles,
    private readonly metrics: Metrics,
  ) {
    metrics.show(
      'daemun_errands_waiting',
      'What has to be done elsewhere (unlinking at providers, deleting profiles) and could not be done yet',
      () => this.waiting,
    );
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.hurry(), EVERY).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.timer = undefined;
    await this.underWay;
  }

  /** Writes an errand down, in the caller's transaction. */
  async add(db: EntityManager, errand: Errand): Promise<void> {
    const payload = await this.sealed(errand);
    await db.query('INSERT INTO auth.errands (kind, account_id, payload_jwe) VALUES ($1, $2, $3)', [
      errand.kind,
      errand.accountId,
      payload,
    ]);
  }

  /** Seals anew what an older secret has sealed, so that it can be left out one day. */
  async renewAll(): Promise<void> {
    const rows = await this.dataSource.query<{ id: string; jwe: string }[]>(
      'SELECT id, payload_jwe AS jwe FROM auth.errands',
    );
    for (const { id, jwe } of rows) {
      const todo = this.secrets.isNewest('errand', jwe) ? undefined : await this.open(jwe);
      if (todo === undefined) continue;
      const payload = await this.sealed(todo);
      await this.dataSource.query('UPDATE auth.errands SET payload_jwe = $2 WHERE id = $1', [id, payload]);
    }
  }

  /** Does what is due now. Nobody need wait for it, and what goes wrong is tried again later. */
  hurry(): Promise<void> {
    this.underWay ??= this.run()
      .catch((error: unknown) => this.logger.warn({ err: error }, 'errands have to wait'))
      .finally(() => (this.underWay = undefined));
    return this.underWay;
  }

  private async run(): Promise<void> {
    for (let next = await this.take(); next !== undefined; next = await this.take()) {
      const { id, attempts, payload_jwe: payload } = next;
      try {
        await this.dispatch(payload);
        await this.dataSource.query('DELETE FROM auth.errands WHERE id = $1', [id]);
      } catch (error) {
        const pause = Math.min(FIRST_PAUSE * 2 ** attempts, LONGEST_PAUSE);
        await this.dataSource.query(
          'UPDATE auth.errands SET attempts = attempts + 1, due_at = now() + make_interval(secs => $2) WHERE id = $1',
          [id, pause],
        );
        this.logger.warn({ err: error, errand: id, attempts: attempts + 1, pause }, 'an errand has to wait');
      }
    }
    const [{ waiting }] = await this.dataSource.query<[{ waiting: number }]>(
      'SELECT count(*)::int AS waiting FROM auth.errands',
    );
    this.waiting = waiting;
  }

  /** The next one that is due, for this process alone. */
  private async take(): Promise<{ id: string; attempts: number; payload_jwe: string } | undefined> {
    const [[taken]] = await this.dataSource.query<
      [{ id: string; attempts: number; payload_jwe: string }[], number]
    >(
      `UPDATE auth.errands SET due_at = now() + make_interval(secs => $1)
       WHERE id = (SELECT id FROM auth.errands WHERE due_at <= now() ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
       RETURNING id, attempts, payload_jwe`,
      [LEASE],
    );
    return taken;
  }

  private async dispatch(payload: string): Promise<void> {
    const todo = await this.open(payload);
    if (todo === undefined) throw new Error('its secret is not among those in AUTH_SECRET');
    if (todo.kind === 'delete-profile') return this.profiles.delete(todo.accountId);
    if (!(await this.isInUseAgain(todo))) await this.unlink(todo);
  }

  /** The person has come back meanwhile: their connection stays, with what may be needed to end it one day. */
  private async isInUseAgain({ provider, subject, grantJwe }: UnlinkErrand): Promise<boolean> {
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

  private async unlink({ provider: id, subject, grantJwe, accountId }: UnlinkErrand): Promise<void> {
    const provider = this.providers.find(id);
    if (provider === undefined) throw new Error(`${id} is not enabled here`);
    const grant = await this.grants.open(grantJwe);
    if (await provider.unlink(subject, grant)) return;
    if (grantJwe !== null && grant === undefined)
      throw new Error('the secret of the token for it is not among those in AUTH_SECRET');
    this.metrics.connectionsLeft.inc({ provider: id });
    this.logger.warn(
      { accountId, provider: id },
      'the connection at the provider could not be ended, no token for it is good any more; only the person can end it there',
    );
  }

  /** With the token in it under the newest secret, too. */
  private async sealed(todo: Errand): Promise<string> {
    const renewed =
      todo.kind === 'unlink' && todo.grantJwe !== null
        ? { ...todo, grantJwe: await this.grants.renewed(todo.grantJwe) }
        : todo;
    return this.secrets.seal('errand', JSON.stringify(renewed));
  }

  private async open(payload: string): Promise<Errand | undefined> {
    const opened = await this.secrets.open('errand', payload);
    return opened === undefined ? undefined : errand.parse(JSON.parse(opened));
  }
}
