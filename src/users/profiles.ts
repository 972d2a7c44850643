/** What everyone may see of a person. */
export interface PublicProfile {
  readonly id: string;
  readonly nickname: string;
  readonly avatarUrl: string | null;
}

/** The languages that we speak. */
export const LOCALES = ['ko', 'en'] as const;
export type Locale = (typeof LOCALES)[number];

/** What a profile starts from. */
export interface ProfileSeed {
  readonly nickname: string;
  readonly avatarUrl: string | null;
  /** Korean unless told. */
  readonly locale?: Locale;
}

/**
 * The port through which AuthService and BoardService reach profiles, in this process or over HTTP. Every call can be
 * repeated without harm.
 */
export abstract class Profiles {
  /** Makes the profile unless there is one; an existing one stays as it is. */
  abstract createIfAbsent(accountId: string, seed: ProfileSeed): Promise<void>;

  /** The profiles of those accounts that have one. */
  abstract findMany(accountIds: readonly string[]): Promise<ReadonlyMap<string, PublicProfile>>;

  /** The language that someone wants to be written to in; undefined where there is no profile. */
  abstract localeOf(accountId: string): Promise<Locale | undefined>;

  /** Removes the profile, if there is one. */
  abstract delete(accountId: string): Promise<void>;

  private readonly listeners: ((accountId: string) => void)[] = [];

  /** Tells of every profile that this process changes; what others change has to be asked for anew. */
  onChange(listener: (accountId: string) => void): void {
    this.listeners.push(listener);
  }

  /** For whoever changes a profile. */
  changed(accountId: string): void {
    for (const listener of this.listeners) listener(accountId);
  }
}
