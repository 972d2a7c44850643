import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client, Pool } from 'pg';
import { EmbeddedPostgres } from '../../src/database/embedded-postgres.js';
import { TEMPLATE_DIR } from '../support/fixtures/template.mjs';

let dataDir: string;
let postgres: EmbeddedPostgres;
let pool: Pool;
const connection = () => ({ host: postgres.socketDir, user: 'postgres', database: 'postgres' });
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'daemun-test-'));
  cpSync(TEMPLATE_DIR, dataDir, { recursive: true });
  postgres = await EmbeddedPostgres.open(dataDir);
  pool = new Pool({ ...connection(), max: 10 });
  await pool.query('CREATE TABLE doors (n int PRIMARY KEY)');
});
afterAll(async () => {
  await pool.end();
  await postgres.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const numbers = Array.from({ length: 100 }, (_, n) => n);

describe('parallel queries over several connections', () => {
  it('each get their own result', async () => {
    const answers = await Promise.all(
      numbers.map((n) =>
        n % 2 === 0 ? pool.query('SELECT $1::int AS n', [n]) : pool.query('SELECT $1::text AS n', [`${n}`]),
      ),
    );
    expect(answers.map(({ rows }) => Number((rows as { n: unknown }[])[0]?.n))).toEqual(numbers);
  });

  it('are not affected by failing queries', async () => {
    const outcomes = await Promise.allSettled(
      numbers.map((n) =>
        pool.query(n % 3 === 0 ? 'SELECT 1 / ($1::int - $1::int)' : 'SELECT $1::int AS n', [n]),
      ),
    );
    for (const [n, outcome] of outcomes.entries()) {
      expect(outcome).toMatchObject(
        n % 3 === 0
          ? { status: 'rejected', reason: { code: '22012' } }
          : { status: 'fulfilled', value: { rows: [{ n }] } },
      );
    }
  });

  it('are not affected by transactions', async () => {
    const transaction = async (n: number) => {
      const client = await pool.connect();
      try {
        await client.query('BEGIN');
        await client.query('INSERT INTO doors VALUES ($1)', [n]);
        await client.query(n % 2 === 0 ? 'COMMIT' : 'ROLLBACK');
      } finally {
        client.release();
      }
      return n;
    };
    const read = async (n: number) =>
      (await pool.query<{ n: number }>('SELECT $1::int AS n', [n])).rows[0]?.n;
    expect(await Promise.all(numbers.map((n) => (n % 4 < 2 ? transaction(n) : read(n))))).toEqual(numbers);
    const { rows } = await pool.query('SELECT n FROM doors ORDER BY n');
    expect(rows).toEqual(numbers.filter((n) => n % 4 === 0).map((n) => ({ n })));
  });

  it('continue after a connection broke within a query', async () => {
    const client = new Client(connection());
    client.on('error', () => undefined);
    await client.connect();
    await client.query('BEGIN');
    // A Parse without the messages that follow it, as when a process is killed between two writes.
    const parse = Buffer.from('P\0\0\0\0\0SELECT 1\0\0\0', 'latin1');
    parse.writeUInt32BE(parse.length - 1, 1);
    const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
    await new Promise<void>((resolve) => stream.write(parse, () => resolve()));
    stream.destroy();
    expect((await pool.query('SELECT $1::int AS n', [1])).rows).toEqual([{ n: 1 }]);
  });
});

describe('damaged database files', () => {
  it('prevent the start with the setting and the remedy', async () => {
    const damaged = mkdtempSync(join(tmpdir(), 'daemun-test-'));
    cpSync(TEMPLATE_DIR, damaged, { recursive: true });
    writeFileSync(join(damaged, 'postgres', 'PG_VERSION'), 'hi');
    await expect(EmbeddedPostgres.open(damaged)).rejects.toThrow(
      /^The embedded database in DATA_DIR cannot be opened .*restore a backup/s,
    );
    rmSync(damaged, { recursive: true, force: true });
  });
});
