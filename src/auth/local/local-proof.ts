import { Problem } from '../../problems/problem.js';
import type { Account } from '../accounts/account.entity.js';
import type { LoginProof } from '../login/login.js';

/**
 * Proof by the password hash that was compared, or that a mailed link has just set. It is null where the link sets no
 * password.
 */
export function localProof({ passwordHash }: Account, method: string): LoginProof {
  return {
    method,
    holds: (_, account) => account.passwordHash === passwordHash,
    outdated: (reason) => new Problem('credentials_invalid', { reason }),
  };
}
