import type { SocialProfile } from './social-profile.js';

/** Input of {@link decideLinking}. */
export interface LinkingContext {
  readonly profile: SocialProfile;
  /** Account of the identity, if it is linked. */
  readonly owner?: string;
  /** Account with the e-mail address of the profile. */
  readonly holder?: { readonly accountId: string; readonly verified: boolean };
  /** Account of the logged-in user who has asked to link. */
  readonly actor?: string;
  /** True where the account to link has an identity of this provider. */
  readonly providerAlreadyLinked: boolean;
}

/**
 * Decision about an identity.
 * - `log_in`: the identity belongs to the account.
 * - `open_account`: a new account; `withEmail` gives it the verified address of the profile.
 * - `link`: the identity is added to the account.
 * - `take_over`: the identity is added to an account with an unverified address. Its password is removed, because a stranger may
 *   have registered the address.
 * - `refuse`: the page gets the code.
 */
export type LinkingDecision =
  | { readonly act: 'log_in'; readonly accountId: string }
  | { readonly act: 'open_account'; readonly withEmail: boolean }
  | { readonly act: 'link'; readonly accountId: string }
  | { readonly act: 'take_over'; readonly accountId: string }
  | { readonly act: 'refuse'; readonly why: 'account_link_required' | 'identity_taken' };

/**
 * Decides to which account an identity belongs. An e-mail address counts only if the provider vouches for it (`verified`). Google
 * does so for its own mailboxes and those of companies that it hosts, Kakao for valid and verified addresses, Naver never.
 */
export function decideLinking({
  profile,
  owner,
  holder,
  actor,
  providerAlreadyLinked,
}: LinkingContext): LinkingDecision {
  if (actor !== undefined) {
    if (owner === actor) return { act: 'log_in', accountId: actor };
    if (owner !== undefined || providerAlreadyLinked) return { act: 'refuse', why: 'identity_taken' };
    return { act: 'link', accountId: actor };
  }
  if (owner !== undefined) return { act: 'log_in', accountId: owner };
  const vouchedFor = profile.email !== undefined && profile.emailVerification === 'verified';
  if (holder === undefined) return { act: 'open_account', withEmail: vouchedFor };
  // An account with an unverified address does not block a login. Only a provider that vouches for the address takes it over.
  if (!holder.verified) {
    return vouchedFor
      ? { act: 'take_over', accountId: holder.accountId }
      : { act: 'open_account', withEmail: false };
  }
  if (!vouchedFor || providerAlreadyLinked) return { act: 'refuse', why: 'account_link_required' };
  return { act: 'link', accountId: holder.accountId };
}
