import { types } from 'node:util';
import type { StoreFailure } from './store-failure.js';

interface Row {
  readonly reason: string;
  readonly transient: boolean;
  /** Follows the name of the setting. */
  readonly remedy: string;
}

const certificate = (remedy: string): Row => ({
  reason: 'certificate_not_trusted',
  transient: false,
  remedy,
});
const PRIVATE_CA = certificate(
  'the certificate of the server is issued by an unknown authority. Name the file of its CA certificate, for PostgreSQL as ' +
    'sslrootcert in the URL, or in NODE_EXTRA_CA_CERTS.',
);
const unreachable = (remedy: string): Row => ({ reason: 'unreachable', transient: true, remedy });

const NO_ROUTE = unreachable('there is no route to the server. Check the address and the network.');
const OUT_OF_RESOURCES: Row = {
  reason: 'local_resources',
  transient: true,
  remedy: 'this process has no file descriptor or memory left for a connection. Raise its limit (ulimit -n).',
};
const OTHER_HOST_NAME = certificate(
  'the certificate of the server is for another host name. Use a name that it contains.',
);
const CERTIFICATE_NOT_PERMITTED = certificate(
  'the certificate of the server, or that of its CA, may not be used for this (keyUsage, extendedKeyUsage, basicConstraints). Issue another one.',
);
const TLS_MISMATCH: Row = {
  reason: 'tls_mismatch',
  transient: false,
  remedy: 'the port does not speak TLS, or not a version that this side accepts. Check port and scheme.',
};

/** Error codes of Node.js for sockets, names and certificates, by prefix. The longest matching prefix counts. */
const ROWS: Readonly<Record<string, Row>> = {
  ECONNREFUSED: unreachable('nothing listens at the address. Check host and port, and that the server runs.'),
  ECONN: unreachable('the connection broke. Check the network, and the log of the server.'),
  EPIPE: unreachable('the connection broke. Check the network, and the log of the server.'),
  ETIMEDOUT: unreachable('the server does not answer. Check the address, and firewalls on the way.'),
  ENOENT: unreachable('there is no socket at the path. Check the path, and that the server runs.'),
  EHOST: NO_ROUTE,
  ENET: NO_ROUTE,
  EADDRNOTAVAIL: unreachable(
    'this machine has no address or no free port for the connection. Check its network, and IPv6.',
  ),
  EAFNOSUPPORT: NO_ROUTE,
  EINVAL: NO_ROUTE,
  EMFILE: OUT_OF_RESOURCES,
  ENFILE: OUT_OF_RESOURCES,
  ENOBUFS: OUT_OF_RESOURCES,
  ENOMEM: OUT_OF_RESOURCES,
  EAI_: unreachable('the name of the server cannot be resolved now. Check the DNS of this machine.'),
  ENOTFOUND: {
    reason: 'name_not_found',
    transient: true,
    remedy: 'the name of the server does not exist. Check it for typing errors.',
  },
  EACCES: {
    reason: 'socket_denied',
    transient: false,
    remedy: 'this user may not open the socket of the server.',
  },
  EPERM: unreachable(
    'a firewall of this machine refuses the connection. Check its rules and network policies.',
  ),
  UNABLE_TO_: PRIVATE_CA,
  SELF_SIGNED_CERT_IN_CHAIN: PRIVATE_CA,
  DEPTH_ZERO_SELF_SIGNED_CERT: PRIVATE_CA,
  CERT_: certificate(
    'the certificate of the server is expired, not valid yet, or revoked. Renew it; check the clocks.',
  ),
  ERR_TLS_CERT_ALTNAME_INVALID: OTHER_HOST_NAME,
  HOSTNAME_MISMATCH: OTHER_HOST_NAME,
  INVALID_PURPOSE: CERTIFICATE_NOT_PERMITTED,
  INVALID_CA: CERTIFICATE_NOT_PERMITTED,
  PATH_LENGTH_EXCEEDED: CERTIFICATE_NOT_PERMITTED,
  EPROTO: TLS_MISMATCH,
  ERR_SSL_: TLS_MISMATCH,
  ERR_TLS_: TLS_MISMATCH,
};
const PREFIXES = Object.keys(ROWS).toSorted((a, b) => b.length - a.length);

const SOCKET_CALLS: ReadonlySet<string> = new Set(['connect', 'getaddrinfo', 'read', 'write']);

/** Returns the failure for a network error of the server in `setting`; undefined for any other error. */
export function networkFailureOf(error: unknown, setting: string): StoreFailure | undefined {
  if (!(types.isNativeError(error) || error instanceof Error)) return undefined;
  const { code, syscall } = error as { code?: unknown; syscall?: unknown };
  if (typeof code !== 'string') return undefined;
  // Files and listening sockets have the same codes.
  if (typeof syscall === 'string' && !SOCKET_CALLS.has(syscall)) return undefined;
  const row = ROWS[PREFIXES.find((prefix) => code.startsWith(prefix)) ?? ''];
  if (row === undefined) return undefined;
  const { reason, transient, remedy } = row;
  return {
    reason,
    client: 'unavailable',
    connection: 'drop',
    losesReadiness: true,
    transient,
    remedy: `${setting}: ${remedy}`,
  };
}
