import { randomBytes } from 'node:crypto';

/** Settings with which {@link startApp} starts in production, on loopback and without a proxy. */
export const PRODUCTION = {
  NODE_ENV: 'production',
  HOST: '127.0.0.1',
  PUBLIC_URL: 'https://daemun.example',
  AUTH_SECRET: randomBytes(32).toString('base64'),
  TRUST_PROXY: 'none',
};
