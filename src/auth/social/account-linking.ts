import type { SocialProfile } from './social-profile.js';

/** What is known when a provider has vouched for someone. */
export interface LinkingContext {
  readonly profile: SocialProfile;
  /** The account that this identity belongs to already. */
  readonly owner?: string;
  /** The account whose address is the one that the provider tells. */
  readonly holder?: { readonly accountId: string; readonly verified: boolean };
  /** The account of the person who is logged in, and asked to link. */
  readonly actor?: string;
  /** Whether the account that might be linked has somebody else's identity of this provider. */
  readonly providerAlreadyLinked: boolean;
}

/**
 * - `log_in`: it is the owner of the identity.
 * - `open_account`: somebody new; `withEmail` when the address is theirs, too.
 * - `link`: the identity becomes one more way into this account.
 * - `take_over`: the account is one that somebody registered with the address and never verified. Its password goes: it
 *   may be that of a stranger who was here first and waits.
 * - `refuse`: the page is told why.
 */
export type LinkingDecision =
  | { readonly act: 'log_in'; readonly accountId: string }
  | { readonly act: 'open_account'; readonly withEmail: boolean }
  | { readonly act: 'link'; readonly accountId: string }
  | { readonly act: 'take_over'; readonly accountId: string }
  | { readonly act: 'refuse'; readonly why: 'account_link_required' | 'identity_taken' };

/**
 * Which person is this? An e-mail address alone never says so. It counts where the provider answers for it that it is
 * this person's today (`verified`: Google for its own mailboxes and those of the companies it hosts, Kakao for addresses
 * that are valid and verified, Naver never), and then only towards an account whose address we have verified ourselves.
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
  const theirs = profile.email !== undefined && profile.emailVerification === 'verified';
  if (holder === undefined) return { act: 'open_account', withEmail: theirs };
  // What nobody has verified keeps nobody out, and is given to nobody but the owner of the address.
  if (!holder.verified) {
    return theirs
      ? { act: 'take_over', accountId: holder.accountId }
      : { act: 'open_account', withEmail: false };
  }
  if (!theirs || providerAlreadyLinked) return { act: 'refuse', why: 'account_link_required' };
  return { act: 'link', accountId: holder.accountId };
}
