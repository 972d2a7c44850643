import { POSTGRES_FAILURES } from '../../src/stores/postgres-failures.js';
import { REDIS_FAILURES } from '../../src/stores/redis-failures.js';

/** Returns the rows of the PostgreSQL table in docs/store-failures.md. */
export function postgresRows(): string[] {
  return Object.entries(POSTGRES_FAILURES)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { reason, client, connection, losesReadiness, transient }]) => {
      const cells = [
        `\`${code}\`${code.length === 2 ? ' (class)' : ''}`,
        `\`${reason}\``,
        client === 'unavailable' ? '503' : 'retried',
        { keep: 'kept', drop: 'dropped', drop_all: 'all dropped' }[connection],
        losesReadiness ? 'no' : 'yes',
        transient ? 'waited for' : 'refused',
      ];
      return `| ${cells.join(' | ')} |`;
    });
}

/** Returns the rows of the Redis table in docs/store-failures.md. */
export function redisRows(): string[] {
  return REDIS_FAILURES.map(([pattern, { reason, transient }]) => {
    const reply = pattern.source === '.' ? 'any other' : `\`${pattern.source.replaceAll('|', '\\|')}\``;
    return `| ${reply} | \`${reason}\` | ${transient ? 'yes' : 'no'} |`;
  });
}
