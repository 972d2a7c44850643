import { describe, expect, it } from '@jest/globals';
import { google } from '../../../src/auth/social/google.js';
import { kakao } from '../../../src/auth/social/kakao.js';
import { naver } from '../../../src/auth/social/naver.js';
import type {
  Connection,
  UnlinkResult,
  ProviderDefinition,
} from '../../../src/auth/social/provider-definition.js';
import type { ProviderGrant } from '../../../src/auth/social/provider-grants.js';
import { Secret } from '../../../src/config/secret.js';

type Kind = ProviderGrant['kind'];
const answers: [string, ProviderDefinition, Kind | 'admin key', number, object, UnlinkResult][] = [
  ['Google revokes', google, 'refresh_token', 200, {}, 'ended'],
  [
    'Google does not know the refresh token',
    google,
    'refresh_token',
    400,
    { error: 'invalid_token' },
    'ended',
  ],
  [
    'Google does not know the access token',
    google,
    'access_token',
    400,
    { error: 'invalid_token' },
    'token_invalid',
  ],
  ['Google is down', google, 'refresh_token', 503, {}, 'retry'],
  ['Kakao unlinks', kakao, 'admin key', 200, { id: 1 }, 'ended'],
  ['Kakao has no connection', kakao, 'admin key', 400, { code: -101 }, 'ended'],
  ['Kakao does not know the person’s token', kakao, 'access_token', 401, { code: -401 }, 'token_invalid'],
  ['Kakao does not know the admin key', kakao, 'admin key', 401, { code: -401 }, 'retry'],
  ['Kakao reports a temporary error', kakao, 'admin key', 400, { code: -1 }, 'retry'],
  ['Naver revokes', naver, 'refresh_token', 200, {}, 'ended'],
  ['Naver refuses with 200', naver, 'refresh_token', 200, { error: 'invalid_request' }, 'retry'],
  ['Naver is down', naver, 'refresh_token', 500, {}, 'retry'],
];

describe('the result of unlinking', () => {
  it.each(answers)('if %s', (_, { unlink }, means, status, answer, result) => {
    const connection: Connection = {
      subject: '1',
      grant: means === 'admin key' ? undefined : { kind: means, token: 'token' },
      credentials: {
        clientId: 'client',
        clientSecret: undefined,
        adminKey: means === 'admin key' ? new Secret('key') : undefined,
        scope: [],
      },
    };
    expect(unlink?.resultOf(status, { ...answer }, connection)).toBe(result);
  });
});
