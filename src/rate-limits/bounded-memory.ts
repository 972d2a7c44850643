import { RateLimiterMemory, type IRateLimiterOptions, type RateLimiterRes } from 'rate-limiter-flexible';

/** Some 20 MB. A flood of clients beyond these makes us forget the counters that were used the longest time ago. */
const MOST = 50_000;

/** Counters in this process, which strangers cannot make take up all of its memory. */
export class BoundedMemoryLimiter extends RateLimiterMemory {
  /** In the order of their last use. */
  private readonly used = new Set<string>();

  constructor(
    options: IRateLimiterOptions,
    private readonly most = MOST,
  ) {
    super(options);
  }

  override consume(...parameters: Parameters<RateLimiterMemory['consume']>): Promise<RateLimiterRes> {
    this.use(parameters[0]);
    return super.consume(...parameters);
  }

  override penalty(...parameters: Parameters<RateLimiterMemory['penalty']>): Promise<RateLimiterRes> {
    this.use(parameters[0]);
    return super.penalty(...parameters);
  }

  override reward(...parameters: Parameters<RateLimiterMemory['reward']>): Promise<RateLimiterRes> {
    this.use(parameters[0]);
    return super.reward(...parameters);
  }

  override set(...parameters: Parameters<RateLimiterMemory['set']>): Promise<RateLimiterRes> {
    this.use(parameters[0]);
    return super.set(...parameters);
  }

  /** A counter whose time is over is none, also where the timer that removes it is late. */
  override async get(key: string | number): Promise<RateLimiterRes | null> {
    const counter = await super.get(key);
    return counter !== null && counter.msBeforeNext > 0 ? counter : null;
  }

  override async delete(key: string | number): Promise<boolean> {
    const counted = (await this.get(key)) !== null;
    this.used.delete(String(key));
    return (await super.delete(key)) && counted;
  }

  private use(key: string | number): void {
    this.used.delete(String(key));
    this.used.add(String(key));
    if (this.used.size <= this.most) return;
    const [oldest] = this.used;
    if (oldest === undefined) return;
    this.used.delete(oldest);
    void super.delete(oldest);
  }
}
