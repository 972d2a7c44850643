import type { StoreFailure } from './store-failure.js';

/** Placeholder until the shared table lands. */
export function networkFailureOf(error: unknown, setting: string): StoreFailure | undefined {
  const { code } = error as { code?: unknown };
  if (typeof code !== 'string') return undefined;
  const base = { client: 'unavailable', connection: 'drop', losesReadiness: true } as const;
  if (/^(ECONN|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|EHOSTUNREACH|EPIPE|ENETUNREACH)/.test(code))
    return {
      ...base,
      reason: 'unreachable',
      transient: true,
      remedy: `${setting}: the server cannot be reached (${code}).`,
    };
  if (/^(UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|CERT_|ERR_TLS|ERR_SSL|EPROTO)/.test(code))
    return {
      ...base,
      reason: 'certificate_not_trusted',
      transient: false,
      remedy: `${setting}: the certificate is not trusted (${code}): set sslrootcert in the URL or NODE_EXTRA_CA_CERTS.`,
    };
  return undefined;
}
