import type { Environment, Refuse } from './environment.js';
import { Secret } from './secret.js';

/** What the configuration must know of a provider; `auth/social/` says it of each. */
export interface ProviderSettings {
  /** `kakao` reads `KAKAO_CLIENT_ID`, `KAKAO_CLIENT_SECRET` and `KAKAO_SCOPE`. */
  readonly id: string;
  /** What is asked for where `…_SCOPE` says nothing: as little as possible. */
  readonly defaultScope: string;
  /** Whether the provider can be used without a client secret. */
  readonly secretOptional?: boolean;
  /** Hosts of the pictures of its profiles: the page shows them without asking its readers. */
  readonly pictureOrigins?: readonly string[];
  /** Whether its console has a key for servers: then `…_ADMIN_KEY` and `…_APP_ID` are read, too. */
  readonly hasAdminKey?: boolean;
}

/** How we are registered at one provider, and where it is. */
export interface ProviderCredentials {
  readonly clientId: string;
  readonly clientSecret?: Secret;
  /** With it a connection can be ended without the person's token, and the provider's notices can be believed. */
  readonly adminKey?: Secret;
  readonly appId?: string;
  readonly scope: readonly string[];
  /** Look for its endpoints at `<this>/<real host>/<real path>` instead. Never in production. */
  readonly sandboxUrl?: string;
}

/** The names of a provider's settings. */
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
 * Undefined where the provider is not to be used. Outside production it has the sandbox's credentials unless it was given
 * some; with an id of its own, and no sandbox but ours, it is the real one.
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
