/**
 * Source of the entries in the {@link Denylist}: sessions that ended, and accounts that changed, in other processes. AuthService
 * reads them from its rows and through Redis; another service may read them from AuthService.
 */
export abstract class RevocationFeed {
  /**
   * Denies a session in this process at once, and sends that to the other processes where they can be reached. The end of
   * the session must be committed: processes that miss the message find it by {@link poll}.
   */
  abstract publish(sessionId: string): void;

  /**
   * Adds to the denylist everything that was revoked before this call and after the previous {@link poll} or {@link resync}.
   * An entry that was added before is not renewed, so that tokens issued after a change of their account stay valid. Rejects
   * while the source cannot be read; the next poll then covers the same time.
   */
  abstract poll(): Promise<void>;

  /** Adds to the denylist everything that was revoked within the lifetime of an access token: at the start of the process. */
  abstract resync(): Promise<void>;
}
