import { loadConfig, type Config } from '../../src/config.js';

/** An ordinary development configuration, with these settings on top. */
export function testConfig(env: Record<string, string> = {}): Config {
  return loadConfig({ LOG_LEVEL: 'silent', ...env });
}
