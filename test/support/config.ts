import { PROVIDERS } from '../../src/auth/social/providers.js';
import { loadConfig, type Config } from '../../src/config/config.js';

/** An ordinary development configuration, with these settings on top. */
export function testConfig(env: Record<string, string> = {}): Config {
  return loadConfig(PROVIDERS, { LOG_LEVEL: 'silent', ...env });
}
