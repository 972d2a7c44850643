import { createHash } from 'node:crypto';
import { Client } from 'pg';

/** Environment variables of a nested run: the URL of a server, and of a pooler in front of it. */
const [SERVER, POOLER] = ['TEST_POSTGRES_URL', 'TEST_POOLER_URL'];

/** Returns the environment of a nested run, whose suites use databases behind the pooler. */
export function behindPooler(server: string, pooler: string): Record<string, string> {
  return { [SERVER]: server, [POOLER]: pooler };
}

/** True in a nested run. */
export const isBehindPooler = process.env[POOLER] !== undefined;

/** Returns settings for a database behind the pooler, in place of the embedded one in `dataDir`; empty outside a nested run. */
export async function databaseBehindPooler(dataDir: string): Promise<{ DATABASE_URL?: string }> {
  const { [SERVER]: server, [POOLER]: pooler } = process.env;
  if (server === undefined || pooler === undefined) return {};
  const name = `d${createHash('sha256').update(dataDir).digest('hex').slice(0, 32)}`;
  const client = new Client({ connectionString: server });
  await client.connect();
  const found = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
  if (found.rowCount === 0) await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  return { DATABASE_URL: Object.assign(new URL(pooler), { pathname: `/${name}` }).href };
}
