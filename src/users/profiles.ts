/** Public part of a profile, for authors of posts and comments. */
export interface PublicProfile {
  readonly id: string;
  readonly nickname: string;
  readonly avatarUrl: string | null;
}

/** Languages of the page and of mails. */
export const LOCALES = ['ko', 'en'] as const;
export type Locale = (typeof LOCALES)[number];

/** Initial values of a profile. */
export interface ProfileSeed {
  readonly nickname: string;
  readonly avatarUrl: string | null;
  /** Default: `ko`. */
  readonly locale?: Locale;
}

/**
 * Port of ProfileService for AuthService and BoardService, in the same process or over HTTP. Every method is idempotent.
 */
export abstract class Profiles {
  /** Creates the profile. An existing profile stays unchanged. */
  abstract createIfAbsent(accountId: string, seed: ProfileSeed): Promise<void>;

  /** Returns profiles by account id. Accounts without a profile are left out. */
  abstract findMany(accountIds: readonly string[]): Promise<ReadonlyMap<string, PublicProfile>>;

  /** Returns the language for mails to the account; undefined if there is no profile. */
  abstract localeOf(accountId: string): Promise<Locale | undefined>;

  /** Deletes the profile, if there is one. */
  abstract delete(accountId: string): Promise<void>;

  private readonly listeners: ((accountId: string) => void)[] = [];

  /** Registers a listener for changes of profiles by this process. Changes by other processes are not reported. */
  onChange(listener: (accountId: string) => void): void {
    this.listeners.push(listener);
  }

  /** Calls the listeners after a change of a profile. */
  changed(accountId: string): void {
    for (const listener of this.listeners) listener(accountId);
  }
}
