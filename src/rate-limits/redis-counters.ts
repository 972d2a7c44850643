import { script, type Redis, type Script } from '../redis/redis.js';

const GET = script("return {redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1])}");
const SET = script(
  "redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) return {ARGV[1], redis.call('PTTL', KEYS[1])}",
);
const DELETE = script("return redis.call('DEL', KEYS[1])");

/**
 * Adapter from the `redis` client that rate-limiter-flexible expects to {@link Redis}, which fails at once while Redis is down; the
 * limiter then counts in memory. Each transaction of the library has one key.
 */
export function redisCounters(redis: Redis) {
  const scripts = new Map<string, Script>();
  return {
    get isReady(): boolean {
      return redis.up;
    },
    eval(text: string, { keys, arguments: args }: { keys: [string]; arguments: string[] }): Promise<unknown> {
      const cached = scripts.get(text) ?? script(text);
      scripts.set(text, cached);
      return redis.run(cached, keys[0], args);
    },
    del: (key: string): Promise<unknown> => redis.run(DELETE, key, []),
    multi() {
      let todo = (): Promise<unknown> => Promise.resolve([]);
      const batch = {
        get(key: string) {
          todo = () => redis.run(GET, key, []);
          return batch;
        },
        set(key: string, value: number, { EX }: { EX: number }) {
          todo = () => redis.run(SET, key, [value, EX]);
          return batch;
        },
        // Both scripts return it.
        pTTL: () => batch,
        exec: () => todo(),
      };
      return batch;
    },
  };
}
