import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Sessions } from '../../src/auth/sessions/sessions.js';
import { signedIn } from '../support/fixtures/actors.js';
import { startApp, type TestApp } from '../support/fixtures/app.js';
import { freePorts } from '../support/servers/ports.mjs';
import { PRODUCTION } from '../support/fixtures/production.js';

describe('the metrics', () => {
  let app: TestApp;
  beforeAll(async () => {
    // The embedded database, whose denylist is never stale.
    app = await startApp({ DATABASE_URL: '' });
  });
  afterAll(() => app.stop());
  const read = async () => (await fetch(`${app.url}/metrics`)).text();

  it('are served to every client of the port, in the text format of Prometheus', async () => {
    const answer = await fetch(`${app.url}/metrics`);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      200,
      expect.stringMatching(/^text\/plain/),
    ]);
    expect(await answer.text()).toContain('process_resident_memory_bytes');
  });

  it('count the outcomes of refreshes, and report the staleness of the denylist', async () => {
    const { id } = await signedIn(app);
    const { refreshToken } = await app.daemun.app
      .get(Sessions, { strict: false })
      .open({ accountId: id, roles: ['user'], method: 'kakao' });
    const refresh = () =>
      fetch(`${app.url}/auth/refresh`, { method: 'POST', headers: { cookie: `refresh=${refreshToken}` } });
    await refresh();
    await refresh();
    const text = await read();
    expect(text).toContain('daemun_sessions_opened_total{method="kakao"} 1');
    expect(text).toContain('daemun_refreshes_total{outcome="rotated"} 1');
    expect(text).toContain('daemun_refreshes_total{outcome="reissued"} 1');
    expect(text).toMatch(/^daemun_revocation_staleness_seconds 0$/m);
    expect(text).toMatch(/^daemun_revocations_held \d+$/m);
  });
});

describe('the metrics on METRICS_PORT', () => {
  it('are served there and not on PORT', async () => {
    const [port] = await freePorts(1);
    const app = await startApp({ METRICS_PORT: String(port) });
    try {
      expect((await fetch(`http://127.0.0.1:${port}/metrics`)).status).toBe(200);
      expect((await fetch(`http://127.0.0.1:${port}/users/me`)).status).toBe(404);
      expect((await fetch(`${app.url}/metrics`)).status).toBe(404);
    } finally {
      await app.stop();
    }
    await expect(fetch(`http://127.0.0.1:${port}/metrics`)).rejects.toThrow();
  });
});

describe('the metrics in production', () => {
  it('are not served without METRICS_PORT', async () => {
    const app = await startApp(PRODUCTION);
    try {
      expect((await fetch(`${app.url}/metrics`)).status).toBe(404);
    } finally {
      await app.stop();
    }
  });

  it('are served on METRICS_PORT alone, with the security headers', async () => {
    const [port] = await freePorts(1);
    const app = await startApp({ ...PRODUCTION, METRICS_PORT: String(port) });
    try {
      const { status, headers } = await fetch(`http://127.0.0.1:${port}/metrics`);
      expect([status, headers.get('x-content-type-options')]).toEqual([200, 'nosniff']);
      expect((await fetch(`${app.url}/metrics`)).status).toBe(404);
    } finally {
      await app.stop();
    }
  });
});
