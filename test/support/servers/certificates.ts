import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Paths of a certificate and its private key in PEM. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** Private certificate authority in a temporary folder, as companies and managed databases have. Needs `openssl`. */
export class CertificateAuthority {
  private readonly dir = mkdtempSync(join(tmpdir(), 'daemun-ca-'));
  /** Path of the CA's certificate, which clients have to trust. */
  readonly cert = join(this.dir, 'ca.crt');
  private readonly key = join(this.dir, 'ca.key');

  constructor() {
    const subject = ['-subj', '/CN=Daemun test CA', '-keyout', this.key, '-out', this.cert];
    openssl('req', '-x509', ...NEW_KEY, '-days', '2', ...subject);
  }

  /** Issues a server certificate for host names, or for IP addresses in the form `IP:127.0.0.1`. */
  issue(...names: readonly string[]): CertificateFiles {
    const at = (suffix: string) => join(this.dir, `${names[0]?.replaceAll(/\W/g, '-')}.${suffix}`);
    const [key, request, cert, extensions] = [at('key'), at('csr'), at('crt'), at('ext')];
    const subjectAltName = names.map((name) => (name.startsWith('IP:') ? name : `DNS:${name}`)).join(',');
    writeFileSync(extensions, `subjectAltName=${subjectAltName}\n`);
    openssl('req', ...NEW_KEY, '-subj', `/CN=${names[0]}`, '-keyout', key, '-out', request);
    const issuer = ['-CA', this.cert, '-CAkey', this.key, '-CAcreateserial'];
    openssl('x509', '-req', '-in', request, ...issuer, '-days', '2', '-extfile', extensions, '-out', cert);
    return { cert, key };
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'ignore' });
}
