import type { SocialProfile } from './social/social-profile.js';

/** What a new account starts from. */
export interface NewAccount {
  readonly id: string;
  readonly nickname: string;
  readonly avatarUrl: string | null;
}

/** Whose log-in this is. */
export type Decision =
  | { readonly act: 'log_in'; readonly accountId: string }
  | { readonly act: 'open_account'; readonly account: NewAccount };

/**
 * Which person is this? The one whose account the identity belongs to; else somebody new. Never the owner of an account
 * with the same e-mail address: whoever controls an address at a provider today need not be who registered here with it.
 */
export function whoIs(
  profile: SocialProfile,
  known: { readonly accountId: string } | undefined,
  newId: string,
): Decision {
  if (known !== undefined) return { act: 'log_in', accountId: known.accountId };
  return {
    act: 'open_account',
    account: {
      id: newId,
      nickname: profile.nickname ?? guestName(newId),
      avatarUrl: profile.avatarUrl ?? null,
    },
  };
}

/** "손님" is a guest; the digits, from the random end of the id, tell two of them apart. */
function guestName(accountId: string): string {
  const number = Number.parseInt(accountId.slice(-8), 16) % 10_000;
  return `손님${String(number).padStart(4, '0')}`;
}
