import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startApp, type TestApp } from './support/app.js';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.stop());

describe('refresh without a session', () => {
  it('says that there is no valid refresh cookie', async () => {
    const response = await fetch(`${app.url}/auth/refresh`, { method: 'POST' });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: 'refresh_token_invalid' });
  });
});
