import { describe, expect, it } from '@jest/globals';
import {
  decideLinking,
  type LinkingContext,
  type LinkingDecision,
} from '../../../src/auth/social/account-linking.js';
import { google } from '../../../src/auth/social/google.js';
import { kakao } from '../../../src/auth/social/kakao.js';
import { naver } from '../../../src/auth/social/naver.js';
import type { SocialProfile } from '../../../src/auth/social/social-profile.js';

const ADDRESS = 'mina@gmail.com';

/** Profiles by trust class. `vouchedFor` is true if the provider vouches for the address. */
const PROFILES: Readonly<Record<string, { profile: SocialProfile | undefined; vouchedFor: boolean }>> = {
  'Google, its own mailbox': {
    profile: google.mapProfile({ sub: '1', email: ADDRESS, email_verified: true }),
    vouchedFor: true,
  },
  'Google, a company it hosts': {
    profile: google.mapProfile({
      sub: '1',
      email: 'mina@company.example',
      email_verified: true,
      hd: 'company.example',
    }),
    vouchedFor: true,
  },
  'Google, an address elsewhere': {
    profile: google.mapProfile({ sub: '1', email: 'mina@elsewhere.example', email_verified: true }),
    vouchedFor: false,
  },
  'Google, unverified': {
    profile: google.mapProfile({ sub: '1', email: ADDRESS, email_verified: false }),
    vouchedFor: false,
  },
  'Google, verified as a string': {
    profile: google.mapProfile({ sub: '1', email: ADDRESS, email_verified: 'true' }),
    vouchedFor: false,
  },
  'Google, no address': { profile: google.mapProfile({ sub: '1' }), vouchedFor: false },
  'Kakao, valid and verified': { profile: kakaoSays(true, true), vouchedFor: true },
  'Kakao, valid only': { profile: kakaoSays(true, false), vouchedFor: false },
  'Kakao, verified once, not valid': { profile: kakaoSays(false, true), vouchedFor: false },
  'Kakao, flags as strings': { profile: kakaoSays('true', 'true'), vouchedFor: false },
  'Kakao, no flags': { profile: kakaoSays(undefined, undefined), vouchedFor: false },
  Naver: { profile: naver.mapProfile({ response: { id: 'n', email: ADDRESS } }), vouchedFor: false },
  'Naver, no address': { profile: naver.mapProfile({ response: { id: 'n' } }), vouchedFor: false },
};
function kakaoSays(valid: unknown, verified: unknown): SocialProfile | undefined {
  return kakao.mapProfile({
    id: 1,
    kakao_account: { email: ADDRESS, is_email_valid: valid, is_email_verified: verified },
  });
}

const HOLDERS: Readonly<Record<string, LinkingContext['holder']>> = {
  'no account has the address': undefined,
  'an account has it, unverified': { accountId: 'holder', verified: false },
  'an account has it, verified': { accountId: 'holder', verified: true },
};
const OWNERS: Readonly<Record<string, string | undefined>> = {
  'the identity is new': undefined,
  'the identity belongs to another account': 'owner',
  'the identity belongs to the logged-in account': 'actor',
};
const ACTORS: Readonly<Record<string, string | undefined>> = {
  'logged out': undefined,
  'linking while logged in': 'actor',
};

/** The linking rules written a second time, grouped by decision. */
function expected(
  vouchedFor: boolean,
  { owner, holder, actor, providerAlreadyLinked }: Omit<LinkingContext, 'profile'>,
): LinkingDecision {
  if (actor === undefined) {
    if (owner !== undefined) return { act: 'log_in', accountId: owner };
    if (holder?.verified === true) {
      return vouchedFor && !providerAlreadyLinked
        ? { act: 'link', accountId: holder.accountId }
        : { act: 'refuse', why: 'account_link_required' };
    }
    if (holder !== undefined && vouchedFor) return { act: 'take_over', accountId: holder.accountId };
    return { act: 'open_account', withEmail: vouchedFor && holder === undefined };
  }
  if (owner === actor) return { act: 'log_in', accountId: actor };
  if (owner === undefined && !providerAlreadyLinked) return { act: 'link', accountId: actor };
  return { act: 'refuse', why: 'identity_taken' };
}

describe('the linking decision', () => {
  for (const [says, { profile, vouchedFor }] of Object.entries(PROFILES))
    for (const [held, holder] of Object.entries(HOLDERS))
      for (const [owned, owner] of Object.entries(OWNERS))
        for (const [asked, actor] of Object.entries(ACTORS))
          for (const providerAlreadyLinked of [false, true]) {
            const other = providerAlreadyLinked ? ', which has another identity of this provider' : '';
            it(`${says}; ${held}; ${owned}; ${asked}${other}`, () => {
              if (profile === undefined) throw new Error('no profile');
              // No account can hold an address that the provider does not report.
              const context = {
                owner,
                holder: profile.email === undefined ? undefined : holder,
                actor,
                providerAlreadyLinked,
              };
              expect(decideLinking({ profile, ...context })).toEqual(expected(vouchedFor, context));
            });
          }

  it('is never based on an address that the provider does not vouch for', () => {
    for (const { profile, vouchedFor } of Object.values(PROFILES)) {
      if (vouchedFor || profile === undefined) continue;
      for (const holder of Object.values(HOLDERS)) {
        const decision = decideLinking({ profile, holder, providerAlreadyLinked: false });
        expect(JSON.stringify(decision)).not.toContain('holder');
        expect(decision).not.toMatchObject({ withEmail: true });
      }
    }
  });
});
