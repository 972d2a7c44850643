import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';

/** What this process counts for whoever runs it, in Prometheus' format. Nothing here is about a person. */
@Injectable()
export class Metrics {
  private readonly registry = new Registry();

  /** Refreshes by outcome of the rotation; `ended` where there was no living session. */
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
  readonly connectionsLeft = new Counter({
    name: 'daemun_connections_left_total',
    help: 'Connections at providers that could not be ended, since nothing was left to do it with',
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
    help: 'Mails to addresses that nobody has verified, beyond what may go out, by outcome: deferred, dropped',
    labelNames: ['outcome'] as const,
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** Shows a value that is read whenever someone asks. */
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

  /** Shows values by a label, which are read whenever someone asks. */
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

  /** Everything, in the text format, with its content type. */
  async expose(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.registry.contentType, text: await this.registry.metrics() };
  }
}
