import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';

/** Metrics of this process in the Prometheus text format, without personal data. */
@Injectable()
export class Metrics {
  private readonly registry = new Registry();

  /** Refreshes by outcome of the rotation; `ended` without a living session. */
  readonly refreshes = new Counter({
    name: 'daemun_refreshes_total',
    help: 'Refreshes by outcome',
    labelNames: ['outcome'] as const,
    registers: [this.registry],
  });
  readonly sessionsOpened = new Counter({
    name: 'daemun_sessions_opened_total',
    help: 'Sessions opened, by method',
    labelNames: ['method'] as const,
    registers: [this.registry],
  });
  readonly unlinksFailed = new Counter({
    name: 'daemun_provider_unlinks_failed_total',
    help: 'Connections at providers that could not be unlinked because no token for it is valid any more',
    labelNames: ['provider'] as const,
    registers: [this.registry],
  });

  readonly outboxMessages = new Counter({
    name: 'daemun_outbox_messages_total',
    help: 'Attempts to deliver messages of the outbox, by outcome: delivered, deferred, dropped',
    labelNames: ['kind', 'outcome'] as const,
    registers: [this.registry],
  });

  readonly mailsThrottled = new Counter({
    name: 'daemun_mails_throttled_total',
    help: 'Throttled mails to unverified addresses, by outcome: deferred, dropped',
    labelNames: ['outcome'] as const,
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** Registers a gauge that is read at each scrape. */
  show(name: string, help: string, read: () => number): void {
    const gauge = new Gauge({
      name,
      help,
      registers: [],
      collect() {
        this.set(read());
      },
    });
    this.registry.registerMetric(gauge);
  }

  /** Registers a gauge per value of a label, which are read at each scrape. */
  showEach(
    name: string,
    help: string,
    label: string,
    read: () => Promise<Readonly<Record<string, number>>>,
  ): void {
    const gauge = new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [],
      async collect() {
        const values = await read();
        this.reset();
        for (const [value, count] of Object.entries(values)) this.set({ [label]: value }, count);
      },
    });
    this.registry.registerMetric(gauge);
  }

  /** Returns all metrics in the text format, and its content type. */
  async expose(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.registry.contentType, text: await this.registry.metrics() };
  }
}
