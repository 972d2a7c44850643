import { createDecipheriv, createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { kakaoUnlinkNotice, naverUnlinkNotice } from '../../sandbox/webhooks.js';

describe('the unlink notice of Kakao', () => {
  const notice = { adminKey: 'admin-key', appId: '123456', userId: '9007199254740993' };
  const members = 'app_id=123456&user_id=9007199254740993&referrer_type=UNLINK_FROM_APPS';

  it('is a POST with a form and the admin key', () => {
    expect(kakaoUnlinkNotice({ ...notice, method: 'POST' })).toEqual({
      method: 'POST',
      query: '',
      headers: {
        authorization: 'KakaoAK admin-key',
        'content-type': 'application/x-www-form-urlencoded;charset=utf-8',
      },
      body: members,
    });
  });

  it('is a GET with a query and the admin key', () => {
    expect(kakaoUnlinkNotice({ ...notice, method: 'GET' })).toEqual({
      method: 'GET',
      query: `?${members}`,
      headers: { authorization: 'KakaoAK admin-key' },
      body: undefined,
    });
  });
});

describe('the unlink notice of Naver', () => {
  const notice = naverUnlinkNotice({
    clientId: 'client',
    clientSecret: 'secret',
    userId: 'the-id',
    now: 1_790_000_000_500,
  });
  const members = Object.fromEntries(new URLSearchParams(notice.body));
  const key = createHash('md5').update('secret').digest();

  it('is signed over its three members', () => {
    const signed = `clientId=client&encryptUniqueId=${members['encryptUniqueId']}&timestamp=1790000000`;
    expect(members['signature']).toBe(createHmac('sha256', key).update(signed).digest('base64url'));
  });

  it('contains the id, encrypted behind its initialization vector', () => {
    const encrypted = Buffer.from(members['encryptUniqueId'] ?? '', 'base64url');
    const decipher = createDecipheriv('aes-128-cbc', key, encrypted.subarray(0, 16));
    expect(decipher.update(encrypted.subarray(16)).toString() + decipher.final().toString()).toBe('the-id');
  });
});
