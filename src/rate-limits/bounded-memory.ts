import { RateLimiterMemory, type IRateLimiterOptions, type RateLimiterRes } from 'rate-limiter-flexible';

/** Counters in memory, some 20 MB. Beyond them the least recently used ones are evicted. */
const MAX_KEYS = 50_000;

/** Counters in this process, with an upper limit of keys, because clients choose the keys. */
export class BoundedMemoryLimiter extends RateLimiterMemory {
  /** Keys in the order of their last use. */
  private readonly used = new Set<string>();

  constructor(
    options: IRateLimiterOptions,
    private readonly maxKeys = MAX_KEYS,
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

  /** Returns null for an expired counter, even if the timer that removes it is late. */
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
    if (this.used.size <= this.maxKeys) return;
    const [oldest] = this.used;
    if (oldest === undefined) return;
    this.used.delete(oldest);
    void super.delete(oldest);
  }
}
