import { chmodSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { databaseOptions } from '../../src/database/options.js';
import { SigningKeys } from '../../src/auth/keys/signing-keys.js';
import { underLock } from '../../src/database/lock.js';
import { migrate, MIGRATION_LOCK } from '../../src/database/migrate.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';
import { makeMigratedDataDir } from '../support/fixtures/data-dir.js';
import { PostgresServer } from '../support/servers/postgres-server.js';
import { describeWith } from '../support/programs.js';
import { ServerProcess } from '../support/servers/server-process.js';

const SECRET = 'kX9vQ2mN7pL4rT8wZ1yB6cD3fG5hJ0aS';
const OTHER_SECRET = 'Zq7uW3eR5tY1iO9pA2sD4fG6hJ8kL0xC';

describeWith('postgres', 'processes on one PostgreSQL server', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server.stop());
  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
  });
  const start = (secret = SECRET) => startApp({ DATABASE_URL: server.url, AUTH_SECRET: secret });

  it('can all start at once on an empty database, and share their signing key', async () => {
    const apps = await Promise.all([start(), start(), start(), start()]);
    const keys = apps.map((app) => app.daemun.app.get(SigningKeys, { strict: false }).current().kid);
    expect(new Set(keys).size).toBe(1);
    await Promise.all(apps.map((app) => app.stop()));
  });

  it('log that they wait while another process migrates', async () => {
    const app = await start();
    const said = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    jest.useFakeTimers({
      doNotFake: [
        'setTimeout',
        'clearTimeout',
        'setImmediate',
        'clearImmediate',
        'nextTick',
        'queueMicrotask',
        'Date',
        'performance',
        'hrtime',
      ],
    });
    let late: Promise<void> = Promise.resolve();
    await underLock(app.database, MIGRATION_LOCK, async () => {
      late = migrate(databaseOptions({ url: server.url, poolSize: 10 }));
      // The process reaches the advisory lock.
      await sleep(500);
      jest.advanceTimersByTime(10_000);
    });
    await late;
    expect(said).toHaveBeenCalledWith(
      'still waiting for another process to finish with the migrations, or a database that does not answer',
    );
    await app.stop();
  });

  it('decrypt their keys with the old secret behind the new secret', async () => {
    const app = await start(`${OTHER_SECRET},${SECRET}`);
    expect((await fetch(`${app.url}/health/ready`)).status).toBe(200);
    await app.stop();
  });

  it('name the setting when the secret does not decrypt the keys', async () => {
    await expect(start(`unrelated ${SECRET}`)).rejects.toThrow('AUTH_SECRET does not open the signing keys');
  });

  describe('the built server', () => {
    it('names the wrong setting, also if the error occurs only at listening', async () => {
      const process = ServerProcess.start({
        DATABASE_URL: server.url,
        AUTH_SECRET: `unrelated ${SECRET}`,
        OAUTH_SANDBOX_URL: 'http://127.0.0.1:9',
        MAIL_URL: 'smtp://127.0.0.1:9',
      });
      await expect(process).rejects.toThrow('AUTH_SECRET does not open the signing keys');
    });
  });
});

describe('the embedded database', () => {
  let dataDir: string;
  let app: TestApp;
  beforeAll(async () => {
    dataDir = await makeMigratedDataDir();
    chmodSync(join(dataDir, 'postgres'), 0o755);
    app = await startApp({ DATA_DIR: dataDir, DATABASE_URL: '' });
  });
  afterAll(async () => {
    await app.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('has a folder that other users cannot enter, also within an open folder', () => {
    expect(statSync(join(dataDir, 'postgres')).mode & 0o777).toBe(0o700);
  });

  it('refuses a second process with the remedy', async () => {
    await expect(startApp({ DATA_DIR: dataDir, DATABASE_URL: '' })).rejects.toThrow(
      'set DATABASE_URL to share one PostgreSQL',
    );
  });
});
