import type { Environment, Refuse } from './environment.js';
import { Secret } from './secret.js';

/** Properties of a provider that its settings depend on. Each provider in `src/auth/social/` defines its own. */
export interface ProviderSettings {
  /** `kakao` reads `KAKAO_CLIENT_ID`, `KAKAO_CLIENT_SECRET` and `KAKAO_SCOPE`. */
  readonly id: string;
  /** Default of `…_SCOPE`: as little as possible. */
  readonly defaultScope: string;
  /** True if the provider accepts clients without a client secret. */
  readonly secretOptional?: boolean;
  /** Origins of its profile pictures, which the page may load (default of `IMAGE_ORIGINS`). */
  readonly pictureOrigins?: readonly string[];
  /** True if the provider issues admin keys: the settings `…_ADMIN_KEY` and `…_APP_ID` exist then. */
  readonly hasAdminKey?: boolean;
}

/** Registration of this service at a provider. */
export interface ProviderCredentials {
  readonly clientId: string;
  readonly clientSecret?: Secret;
  /** Ends a connection without the user's token, and authenticates the provider's unlink notices. */
  readonly adminKey?: Secret;
  readonly appId?: string;
  readonly scope: readonly string[];
  /** Base URL of the sandbox: endpoints are at `<sandboxUrl>/<real host>/<real path>`. Never in production. */
  readonly sandboxUrl?: string;
}

/** Returns the names of a provider's settings. */
export function keysOf({ id, hasAdminKey = false }: ProviderSettings): {
  readonly id: string;
  readonly secret: string;
  readonly scope: string;
  readonly adminKey?: string;
  readonly appId?: string;
} {
  const name = id.toUpperCase();
  return {
    id: `${name}_CLIENT_ID`,
    secret: `${name}_CLIENT_SECRET`,
    scope: `${name}_SCOPE`,
    ...(hasAdminKey && { adminKey: `${name}_ADMIN_KEY`, appId: `${name}_APP_ID` }),
  };
}

/**
 * Returns the credentials of a provider, or undefined if the provider is not enabled. Development defaults to the sandbox's
 * credentials. A configured client id selects the real provider, unless `OAUTH_SANDBOX_URL` is set.
 */
export function readProvider(
  provider: ProviderSettings,
  env: Readonly<Record<string, string | undefined>>,
  set: Environment,
  production: boolean,
  refuse: Refuse,
): ProviderCredentials | undefined {
  const { defaultScope, secretOptional = false } = provider;
  const keys = keysOf(provider);
  const [ownId, ownSecret] = [env[keys.id]?.trim(), env[keys.secret]?.trim()];
  if (ownId === undefined && ownSecret) refuse(keys.id, `is missing while ${keys.secret} is set`);
  const sandboxed = !production && (set.OAUTH_SANDBOX_URL !== undefined || ownId === undefined);
  const clientId = ownId ?? (sandboxed ? 'sandbox-client' : '');
  const clientSecret = ownSecret ?? (sandboxed ? 'sandbox-secret' : '');
  if (clientId === '') {
    if (ownSecret) refuse(keys.id, `is missing while ${keys.secret} is set`);
    return undefined;
  }
  if (clientSecret === '' && !secretOptional) {
    refuse(keys.secret, `is missing while ${keys.id} is set`);
    return undefined;
  }
  return {
    clientId,
    clientSecret: clientSecret === '' ? undefined : new Secret(clientSecret),
    adminKey: readAdminKey(keys.adminKey, env, sandboxed),
    appId: (keys.appId && env[keys.appId]?.trim()) || undefined,
    scope: (env[keys.scope]?.trim() || defaultScope).split(/[\s,]+/).filter(Boolean),
    sandboxUrl: sandboxed
      ? (set.OAUTH_SANDBOX_URL ?? `http://127.0.0.1:${set.SANDBOX_PORT}`).replace(/\/+$/, '')
      : undefined,
  };
}

function readAdminKey(
  key: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  sandboxed: boolean,
): Secret | undefined {
  if (key === undefined) return undefined;
  const value = env[key]?.trim() ?? (sandboxed ? 'sandbox-admin-key' : '');
  return value === '' ? undefined : new Secret(value);
}
