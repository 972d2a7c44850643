import { createDecipheriv, createHash, createHmac } from 'node:crypto';
import { Strategy } from 'passport-naver-v2';
import { isEqualInConstantTime } from '../../crypto/constant-time.js';
import { Problem } from '../../problems/problem.js';
import { objectAt, type JsonObject } from './json.js';
import type {
  NoticeMembers,
  ProviderDefinition,
  StrategyClass,
  UnlinkNotice,
} from './provider-definition.js';
import { avatarUrlOf, emailOf, nicknameOf, subjectOf } from './social-profile.js';

/** Seconds by which the time of a notice may differ from now. */
const MAX_NOTICE_AGE_S = 600;

/**
 * Naver, at its documented endpoints. The newer `/oauth2/` endpoints check PKCE, but have to be enabled in the console, and it is not
 * documented that users keep their ids there. These endpoints may ignore the challenge, so that `state`, which the token request
 * repeats, binds the code to the transaction.
 */
export const naver: ProviderDefinition = {
  id: 'naver',
  name: 'Naver',
  // Naver has no scopes: its console decides.
  defaultScope: '',
  pictureOrigins: ['https://phinf.pstatic.net', 'https://ssl.pstatic.net'],
  endpoints: {
    authorize: 'https://nid.naver.com/oauth2.0/authorize',
    token: 'https://nid.naver.com/oauth2.0/token',
    profile: 'https://openapi.naver.com/v1/nid/me',
  },
  Strategy: Strategy as unknown as StrategyClass,
  repeatsState: true,
  errorCode,
  errors: {
    // "no valid data in session": the code was used, has expired or is forged.
    invalid_request: 'provider_rejected',
    '024': 'provider_rejected',
    '028': 'provider_rejected',
  },
  unlink: {
    endpoint: 'https://nid.naver.com/oauth2.0/revoke',
    tokensToKeep: () => ['refresh_token', 'access_token'],
    request: ({ grant, credentials: { clientId, clientSecret } }) =>
      grant && {
        form: {
          client_id: clientId,
          client_secret: clientSecret?.reveal() ?? '',
          token: grant.token,
          token_type_hint: grant.kind,
        },
      },
    // Naver answers 200 for an unknown token as well.
    resultOf: (status, { error }) => (status === 200 && error === undefined ? 'ended' : 'retry'),
  },
  unlinkNotice: {
    methods: ['POST'],
    status: 204,
    read({ members }, { clientId, clientSecret }) {
      if (clientSecret === undefined) throw new Problem('provider_not_enabled');
      const notice = readNotice(members, clientId, clientSecret.reveal());
      if (notice === undefined) throw new Problem('bad_request', { reason: 'not a notice from Naver' });
      return notice;
    },
  },
  mapProfile(body) {
    const person = objectAt(body, 'response');
    const subject = subjectOf(person.id);
    if (subject === undefined) return undefined;
    return {
      provider: 'naver',
      subject,
      email: emailOf(person.email),
      // The user enters the address, of any domain, and the profile does not say if it was verified.
      emailVerification: 'unsupported',
      // Not `name`, which is the legal name: profiles are public.
      nickname: nicknameOf(person.nickname),
      avatarUrl: avatarUrlOf(person.profile_image),
    };
  },
};

/** Reads the error code. The token endpoint refuses with HTTP 200, and with `invalid_request` for a wrong client as well. */
function errorCode({ error, error_description, resultcode }: JsonObject): unknown {
  const text = typeof error_description === 'string' ? error_description : '';
  if (error === 'invalid_request' && /\bclient\b/.test(text)) return 'invalid_client';
  return error ?? (resultcode === '00' ? undefined : resultcode);
}

/**
 * Decrypts a notice. Returns undefined unless it is signed with the client secret, for this client and of the last minutes.
 * The key is MD5 of the client secret, as Naver's developer guide (§4.4) prescribes.
 */
function readNotice(
  { clientId, encryptUniqueId, timestamp, signature }: NoticeMembers,
  ourClientId: string,
  clientSecret: string,
): UnlinkNotice | undefined {
  if (typeof encryptUniqueId !== 'string' || typeof timestamp !== 'string' || typeof signature !== 'string')
    return undefined;
  if (clientId !== ourClientId || !/^\d{10}$/.test(timestamp)) return undefined;
  const key = createHash('md5').update(clientSecret).digest();
  const signed = `clientId=${clientId}&encryptUniqueId=${encryptUniqueId}&timestamp=${timestamp}`;
  const expected = createHmac('sha256', key).update(signed).digest('base64url');
  // Some encoders add the padding that base64url leaves out.
  if (!isEqualInConstantTime(signature.replace(/=+$/, ''), expected)) return undefined;
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > MAX_NOTICE_AGE_S) return undefined;
  const bytes = Buffer.from(encryptUniqueId, 'base64url');
  try {
    const decipher = createDecipheriv('aes-128-cbc', key, bytes.subarray(0, 16));
    const subject = decipher.update(bytes.subarray(16)).toString() + decipher.final().toString();
    return { subject, sentAt: Number(timestamp) };
  } catch {
    return undefined;
  }
}
