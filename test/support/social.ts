import { type Sandbox, startSandbox } from '../../sandbox/sandbox.js';
import { startApp, type TestApp } from './app.js';

/** Daemun with all three providers, which are played by a sandbox of its own. */
export interface SocialApp extends TestApp {
  readonly sandbox: Sandbox;
  /** How many requests of that kind reached the providers since the journal was cleared. */
  calls(endpoint: 'authorize' | 'token' | 'profile'): number;
}

/** Starts {@link SocialApp}. */
export async function startSocialApp(
  env: Record<string, string> = {},
  sandboxOptions: Partial<Parameters<typeof startSandbox>[0]> = {},
): Promise<SocialApp> {
  const sandbox = await startSandbox({ port: 0, smtpPort: 0, ...sandboxOptions });
  const app = await startApp({ OAUTH_SANDBOX_URL: sandbox.url, MAIL_URL: sandbox.smtpUrl, ...env });
  return {
    ...app,
    sandbox,
    calls: (endpoint) => sandbox.requests().filter((request) => request.endpoint === endpoint).length,
    stop: async () => {
      await app.stop();
      await sandbox.close();
    },
  };
}
