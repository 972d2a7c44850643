import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { google } from '../../../src/auth/social/google.js';
import { parseJsonObject } from '../../../src/auth/social/json.js';
import { kakao } from '../../../src/auth/social/kakao.js';
import { naver } from '../../../src/auth/social/naver.js';
import { graphemeCount } from '../../../src/text/graphemes.js';
import { avatarUrlOf, emailOf, nicknameOf, subjectOf } from '../../../src/auth/social/social-profile.js';

describe('a Google profile', () => {
  const person = { sub: '1076', email: 'mina@gmail.com', email_verified: true };
  it.each([
    ['Gmail', person, 'verified'],
    ['Gmail in capitals', { ...person, email: 'Mina@GMAIL.com' }, 'verified'],
    ['Google Workspace', { ...person, email: 'mina@corp.example', hd: 'corp.example' }, 'verified'],
    ['another mail service', { ...person, email: 'mina@corp.example' }, 'unverified'],
    ['a look-alike domain', { ...person, email: 'mina@gmail.com.evil.example' }, 'unverified'],
    ['an unverified address', { ...person, email_verified: false }, 'unverified'],
    ['a flag of type string', { ...person, email_verified: 'true' }, 'unverified'],
    ['no flag', { sub: '1076', email: 'mina@gmail.com' }, 'unverified'],
    ['no address', { sub: '1076', email_verified: true }, 'unverified'],
  ])('with %s has an address that is %s', (_, profile, emailVerification) => {
    expect(google.mapProfile(profile)).toMatchObject({ subject: '1076', emailVerification });
  });

  it('has the name and the picture', () => {
    expect(google.mapProfile({ ...person, name: 'Mina Kim', picture: 'https://lh3.example/a' })).toEqual({
      provider: 'google',
      subject: '1076',
      email: 'mina@gmail.com',
      emailVerification: 'verified',
      nickname: 'Mina Kim',
      avatarUrl: 'https://lh3.example/a',
    });
  });
});

describe('a Kakao profile', () => {
  const mail = { is_email_valid: true, is_email_verified: true, email: 'mina@kakao.example' };
  it.each([
    ['valid and verified', mail, 'mina@kakao.example', 'verified'],
    ['not verified', { ...mail, is_email_verified: false }, 'mina@kakao.example', 'unverified'],
    ['not valid any more', { ...mail, is_email_valid: false }, undefined, 'unverified'],
    ['masked', { ...mail, email: 'ka***@kakao.com' }, undefined, 'unverified'],
    ['flagged with strings', { ...mail, is_email_valid: 'true' }, 'mina@kakao.example', 'unverified'],
    ['without flags', { email: 'mina@kakao.example' }, 'mina@kakao.example', 'unverified'],
    ['not shared', { email_needs_agreement: true }, undefined, 'unverified'],
    ['missing', { email_needs_agreement: false }, undefined, 'unverified'],
  ])('with an address that is %s', (_, kakao_account, email, emailVerification) => {
    expect(kakao.mapProfile({ id: 7, kakao_account })).toMatchObject({
      subject: '7',
      email,
      emailVerification,
    });
  });

  const profile = {
    nickname: '김미나',
    profile_image_url: 'http://k.kakaocdn.net/a.jpg',
    is_default_nickname: false,
    is_default_image: false,
  };
  it.each([
    ['the name of the profile', { kakao_account: { profile }, properties: { nickname: '옛이름' } }, '김미나'],
    ['falls back to the former member', { properties: { nickname: '옛이름' } }, '옛이름'],
    [
      'omitted if it is the default',
      { kakao_account: { profile: { ...profile, is_default_nickname: true } } },
      undefined,
    ],
    ['omitted with an id alone', {}, undefined],
    ['omitted for other types', { kakao_account: [], properties: 'x' }, undefined],
  ])('nickname: %s', (_, members, nickname) => {
    expect(kakao.mapProfile({ id: 7, ...members })).toMatchObject({ subject: '7', nickname });
  });

  it('has an https picture, or none if it is the default picture', () => {
    const pictureOf = (p: object) => kakao.mapProfile({ id: 7, kakao_account: { profile: p } })?.avatarUrl;
    expect(pictureOf(profile)).toBe('https://k.kakaocdn.net/a.jpg');
    expect(pictureOf({ ...profile, is_default_image: true })).toBeUndefined();
  });
});

describe('a Naver profile', () => {
  it('never has a verified address', () => {
    const response = {
      id: 'abc',
      email: 'mina@naver.com',
      nickname: '미나',
      profile_image: 'https://p.example/i',
    };
    expect(naver.mapProfile({ resultcode: '00', message: 'success', response })).toEqual({
      provider: 'naver',
      subject: 'abc',
      email: 'mina@naver.com',
      emailVerification: 'unsupported',
      nickname: '미나',
      avatarUrl: 'https://p.example/i',
    });
  });

  it('does not expose the real name', () => {
    expect(naver.mapProfile({ response: { id: 'abc', name: '김미나' } })?.nickname).toBeUndefined();
  });
});

describe('a profile without a subject', () => {
  const withoutSubject = [
    {},
    { sub: null, id: null, response: { id: null } },
    { sub: '', id: '', response: { id: '' } },
  ];
  it.each(
    [google, kakao, naver].flatMap((provider) =>
      withoutSubject.map((json) => [provider.id, provider, json] as const),
    ),
  )('is rejected, at %s', (_, provider, json) => {
    expect(provider.mapProfile(json)).toBeUndefined();
  });
});

describe('the error code of a provider', () => {
  it.each([
    [google, { error: 'invalid_grant' }, 'invalid_grant'],
    [google, { error: { code: 401, status: 'UNAUTHENTICATED' } }, 'UNAUTHENTICATED'],
    [kakao, { error: 'invalid_grant', error_code: 'KOE320' }, 'KOE320'],
    [kakao, { msg: 'this access token does not exist', code: -401 }, -401],
    [naver, { error: 'invalid_request', error_description: 'no valid data in session' }, 'invalid_request'],
    [
      naver,
      { error: 'invalid_request', error_description: 'wrong client id / client secret pair' },
      'invalid_client',
    ],
    [naver, { resultcode: '024', message: 'Authentication failed' }, '024'],
  ])('is found in the response (%#)', (provider, answer, code) => {
    expect(provider.errorCode(answer)).toBe(code);
  });

  it.each([
    [google, { access_token: 'a', expires_in: 3599 }],
    [kakao, { access_token: 'a', expires_in: 21599 }],
    [naver, { access_token: 'a', expires_in: '3600' }],
    [naver, { resultcode: '00', message: 'success', response: {} }],
  ])('is absent in a successful response (%#)', (provider, answer) => {
    expect(provider.errorCode(answer)).toBeUndefined();
  });
});

describe('profile fields', () => {
  it.each([
    ['1076', '1076'],
    [1076, '1076'],
    ['9007199254740993', '9007199254740993'],
    [2 ** 53, undefined],
    [1.5, undefined],
    [0, undefined],
    [-1, undefined],
    ['', undefined],
    ['a b', undefined],
    ['a\u0000', undefined],
    ['a'.repeat(256), undefined],
    [null, undefined],
    [true, undefined],
    [{ a: 1 }, undefined],
    [['a'], undefined],
  ])('subject: %p is %p', (value, subject) => {
    expect(subjectOf(value)).toBe(subject);
  });

  it.each([
    ['mina@kakao.example', 'mina@kakao.example'],
    ['mina@localhost', undefined],
    ['@kakao.example', undefined],
    ['mi na@kakao.example', undefined],
    ['mina\u0000@kakao.example', undefined],
    ['a@b@c.example', undefined],
    ['ka***@kakao.com', undefined],
    ['Mina@Kakao.Example', 'mina@kakao.example'],
    ['mina@대문.한국', 'mina@xn--vk1bx9m.xn--3e0b707e'],
    ["o'neil&co/a=b@kakao.example", "o'neil&co/a=b@kakao.example"],
    ['미나@kakao.example', undefined],
    [`${'a'.repeat(250)}@b.example`, undefined],
    [7, undefined],
  ])('address: %p is %p', (value, email) => {
    expect(emailOf(value)).toBe(email);
  });

  it.each([
    ['김미나', '김미나'],
    ['  김   미나\n', '김 미나'],
    ['김', undefined],
    ['', undefined],
    ['\u200b\u200b\u202e', undefined],
    ['a\u0000b', 'a b'],
    ['ad\u202emin', 'admin'],
    ['x\ud800y', 'xy'],
    ['👩‍👩‍👧‍👦미나', '👩‍👩‍👧‍👦미나'],
    ['가'.repeat(30), '가'.repeat(20)],
    ['가'.normalize('NFD').repeat(2), '가가'],
    ['👩‍👩‍👧‍👦'.repeat(9), '👩‍👩‍👧‍👦'.repeat(9)],
    ['👩‍👩‍👧‍👦'.repeat(24), '👩‍👩‍👧‍👦'.repeat(20)],
    ['🇰🇷'.repeat(24), '🇰🇷'.repeat(20)],
    [`${'a'.repeat(19)}각a`.normalize('NFD'), `${'a'.repeat(19)}각`],
    [`${'a'.repeat(19)} b`, 'a'.repeat(19)],
    ['\u3164\u3164', undefined],
    ['\u2800\u2800', undefined],
    ['\u0301\u0301\u0301', undefined],
    ['mi\u200bna\ufeff', 'mina'],
    ['mi\ue000na\ufdd0', 'mina'],
    [
      '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}미',
      '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}미',
    ],
    ['mina\u{e006d}\u{e0069}', 'mina'],
    [`mi${'\u0301'.repeat(5_000)}na`, undefined],
    [42, undefined],
  ])('nickname: %p is %p', (value, nickname) => {
    expect(nicknameOf(value)).toBe(nickname);
  });

  it('nickname: any input results in a name that the schema and PostgreSQL accept', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (value) => {
        const nickname = nicknameOf(value);
        if (nickname === undefined) return;
        const length = graphemeCount(nickname);
        expect(length >= 2 && length <= 20 && nickname === nickname.trim()).toBe(true);
        expect(Buffer.from(nickname).toString()).toBe(nickname);
        // oxlint-disable-next-line eslint/no-control-regex
        expect(nickname).not.toMatch(/[\u0000-\u001f]/);
      }),
    );
  });

  it.each([
    ['https://a.example/b.png', 'https://a.example/b.png'],
    ['http://a.example/b.png', 'https://a.example/b.png'],
    ['http://a.example:8080/b.png', undefined],
    ['javascript:alert(1)', undefined],
    ['data:image/png;base64,AA', undefined],
    ['//a.example/b.png', undefined],
    ['https://user@a.example/b.png', undefined],
    ['', undefined],
    [`https://a.example/${'b'.repeat(2_000)}`, undefined],
  ])('picture: %p is %p', (value, url) => {
    expect(avatarUrlOf(value)).toBe(url);
  });
});

describe('the JSON parser', () => {
  it('keeps every digit of big integers, and changes no other value', () => {
    const text =
      '{"id":9007199254740993,"n":[-12345678901234567890,42,1e30,0.1234567890123456],"s":"9007199254740993, \\"9007199254740993"}';
    expect(parseJsonObject(text)).toEqual({
      id: '9007199254740993',
      n: ['-12345678901234567890', 42, 1e30, 0.1234567890123456],
      s: '9007199254740993, "9007199254740993',
    });
  });

  it('equals JSON.parse on every object without big integers', () => {
    const safe = fc.object({
      key: fc.string().filter((key) => key !== '__proto__'),
      values: [
        fc.string(),
        fc.integer(),
        fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Number.isInteger(n)),
        fc.constant(null),
      ],
    });
    fc.assert(
      fc.property(safe, (value) => {
        const text = JSON.stringify(value);
        expect(parseJsonObject(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('distinguishes any two 64-bit integers', () => {
    fc.assert(
      fc.property(fc.bigInt(1n, 2n ** 63n - 1n), (id) => {
        expect(String(parseJsonObject(`{"id":${id}}`).id)).toBe(String(id));
      }),
    );
  });

  it('accepts no text that JSON.parse refuses', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '"',
      ':',
      ',',
      '\\',
      '12345678901234567',
      'a',
      '-',
      '.',
      'e',
      ' ',
      '[',
      ']',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        let valid = true;
        try {
          valid = typeof JSON.parse(text) === 'object' && !Array.isArray(JSON.parse(text));
        } catch {
          valid = false;
        }
        if (valid) parseJsonObject(text);
        else expect(() => parseJsonObject(text)).toThrow(SyntaxError);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each(['null', '[]', '"a"', '7', '', '{', '{1234567890123456789:1}', 'a=b'])('refuses %p', (text) => {
    expect(() => parseJsonObject(text)).toThrow(SyntaxError);
  });

  it('throws errors without the text that it refuses', () => {
    expect(() => parseJsonObject('secret-token')).toThrow(new SyntaxError('not JSON'));
  });

  it('ignores members that could pollute a prototype', () => {
    const json = parseJsonObject('{"a":{"__proto__":{"b":1}},"__proto__":{"c":1}}');
    expect(JSON.stringify(json)).toBe('{"a":{}}');
  });
});
