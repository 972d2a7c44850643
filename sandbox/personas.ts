import {
  type Accounts,
  type GoogleAccount,
  googleAccount,
  googleSubject,
  type KakaoAccount,
  kakaoAccount,
  kakaoId,
  type NaverAccount,
  naverAccount,
  naverId,
  type ProviderName,
} from './accounts.js';

/** Persona on a consent page: a simulated user with an account. */
export interface Persona<Account = GoogleAccount | KakaoAccount | NaverAccount> {
  id: string;
  name: { ko: string; en: string };
  about: { ko: string; en: string };
  account: Account;
}

// No address below can exist: gmail.com allows no hyphens, naver.com no dots, `.example` is reserved.
const MINA_GMAIL = 'sandbox-mina@gmail.com';

const GOOGLE: Persona<GoogleAccount>[] = [
  ordinary('mina', ['김미나', 'Mina Kim'], googleAccount('mina', '김미나', MINA_GMAIL)),
  ordinary('jun', ['이준', 'Jun Lee'], googleAccount('jun', '이준', 'sandbox-jun@gmail.com')),
  special(
    'workspace',
    ['회사 계정', 'Workspace'],
    ['회사가 관리하는 주소', 'Address managed by a company (hd)'],
    {
      ...googleAccount('workspace', '박서연', 'seoyeon@company.example'),
      hd: 'company.example',
    },
  ),
  special(
    'external',
    ['외부 메일', 'External mail'],
    ['Gmail이 아닌 확인된 주소', 'Verified, but not Gmail and no hd'],
    googleAccount('external', '최민호', 'minho@elsewhere.example'),
  ),
  special(
    'unverified',
    ['미확인 메일', 'Unverified mail'],
    ['확인되지 않은 이메일', 'email_verified is false'],
    {
      ...googleAccount('unverified', '정하늘', 'haneul@elsewhere.example'),
      emailVerified: false,
    },
  ),
  special(
    'string-flags',
    ['문자열 표시', 'String flags'],
    ['"true"라는 문자열', 'email_verified is the string "true"'],
    {
      ...googleAccount('string-flags', '한지우', 'sandbox-jiwoo@gmail.com'),
      emailVerified: 'true',
    },
  ),
  special(
    'no-email',
    ['이메일 없음', 'No e-mail'],
    ['이메일을 주지 않음', 'Shares no e-mail address'],
    googleAccount('no-email', '오수아'),
  ),
  special('bare', ['아이디만', 'Bare'], ['고유 아이디뿐', 'Nothing but the subject'], {
    sub: googleSubject('bare'),
  }),
];

const KAKAO: Persona<KakaoAccount>[] = [
  ordinary('mina', ['김미나', 'Mina Kim'], kakaoAccount('mina', '김미나', 'mina@kakao.example')),
  ordinary('jun', ['이준', 'Jun Lee'], kakaoAccount('jun', '이준', 'jun@kakao.example')),
  special(
    'mina-gmail',
    ['미나의 Gmail', "Mina's Gmail"],
    ['Google의 미나와 같은 주소', 'Same address as Mina at Google'],
    kakaoAccount('mina-gmail', '김미나', MINA_GMAIL),
  ),
  special(
    'no-email',
    ['이메일 거부', 'E-mail refused'],
    ['이메일에 동의하지 않음', 'Did not agree to share the e-mail'],
    {
      ...kakaoAccount('no-email', '오수아', 'sua@kakao.example'),
      emailRefused: true,
    },
  ),
  special(
    'no-email-account',
    ['이메일 없는 계정', 'Account without e-mail'],
    ['동의했지만 없음', 'Agreed, but has none'],
    kakaoAccount('no-email-account', '서도윤'),
  ),
  special(
    'unverified',
    ['미인증 메일', 'Unverified mail'],
    ['인증되지 않은 이메일', 'is_email_verified is false'],
    {
      ...kakaoAccount('unverified', '정하늘', 'haneul@elsewhere.example'),
      isEmailVerified: false,
    },
  ),
  special(
    'masked',
    ['만료된 메일', 'Masked mail'],
    ['다른 계정이 쓰는 이메일', 'Expired address, is_email_valid is false'],
    {
      ...kakaoAccount('masked', '강유나', 'ka***@kakao.com'),
      isEmailValid: false,
    },
  ),
  special(
    'string-flags',
    ['문자열 표시', 'String flags'],
    ['"true"라는 문자열', 'Flags are the string "true"'],
    {
      ...kakaoAccount('string-flags', '한지우', 'jiwoo@kakao.example'),
      isDefaultNickname: 'false',
      isEmailValid: 'true',
      isEmailVerified: 'true',
    },
  ),
  special('big-id', ['큰 번호', 'Big id'], ['2^53인 번호', 'Id 9007199254740992'], {
    ...kakaoAccount('big-id', '윤큰번호', 'big@kakao.example'),
    id: 9007199254740992n,
  }),
  special(
    'big-id-neighbour',
    ['큰 번호의 이웃', 'Its neighbour'],
    ['끝자리만 다른 번호', 'Id 9007199254740993'],
    {
      ...kakaoAccount('big-id-neighbour', '윤이웃', 'neighbour@kakao.example'),
      id: 9007199254740993n,
    },
  ),
  special(
    'default-nickname',
    ['기본 닉네임', 'Default nickname'],
    ['닉네임을 정하지 않음', 'Never chose a nickname'],
    {
      ...kakaoAccount('default-nickname', '닉네임을 등록해주세요', 'default@kakao.example'),
      isDefaultNickname: true,
    },
  ),
  special(
    'legacy-properties',
    ['옛 앱', 'Legacy properties'],
    ['properties에만 있는 닉네임', 'Nickname only in properties'],
    {
      ...kakaoAccount('legacy-properties', '문옛날', 'legacy@kakao.example'),
      legacyProperties: true,
    },
  ),
  special(
    'unicode',
    ['유니코드', 'Unicode'],
    ['그림 문자 스물네 개와 한글 도메인', 'Nickname of 24 emoji, domain in Hangul'],
    kakaoAccount('unicode', '👩‍👩‍👧‍👦'.repeat(24), 'Unicode@대문.example'.normalize('NFD')),
  ),
  special('bare', ['아이디만', 'Bare'], ['고유 번호뿐', 'Nothing but the id'], { id: kakaoId('bare') }),
];

const NAVER: Persona<NaverAccount>[] = [
  ordinary('mina', ['김미나', 'Mina Kim'], naverAccount('mina', '김미나', 'sandbox.mina@naver.com')),
  ordinary('jun', ['이준', 'Jun Lee'], naverAccount('jun', '이준', 'sandbox.jun@naver.com')),
  special(
    'external',
    ['외부 메일', 'External mail'],
    ['Google의 미나와 같은 주소', 'Same address as Mina at Google'],
    naverAccount('external', '김미나', MINA_GMAIL),
  ),
  special(
    'no-email',
    ['이메일 거부', 'E-mail refused'],
    ['이메일에 동의하지 않음', 'Did not agree to share the e-mail'],
    naverAccount('no-email', '오수아'),
  ),
  special(
    'default-nickname',
    ['가려진 별명', 'Masked nickname'],
    ['별명을 정하지 않음', 'Nickname is masked (san***)'],
    {
      ...naverAccount('default-nickname', '문별명', 'sandbox.default@naver.com'),
      nickname: 'san***',
    },
  ),
  special('bare', ['아이디만', 'Bare'], ['고유 아이디뿐', 'Nothing but the id'], { id: naverId('bare') }),
];

const PERSONAS: { [Name in ProviderName]: Persona<Accounts[Name]>[] } = {
  google: GOOGLE,
  kakao: KAKAO,
  naver: NAVER,
};

const INVENTED_ID = /^user-[a-z0-9-]{1,40}$/;

/** Returns the personas on the consent page of a provider. */
export function listPersonas<Name extends ProviderName>(provider: Name): Persona<Accounts[Name]>[] {
  return PERSONAS[provider];
}

/** Returns a listed persona, or an ordinary persona for an id like `user-4711`, always the same for the same id. */
export function findPersona<Name extends ProviderName>(
  provider: Name,
  id: string,
): Persona<Accounts[Name]> | undefined {
  const listed = PERSONAS[provider].find((persona) => persona.id === id);
  if (listed !== undefined || !INVENTED_ID.test(id)) return listed;
  // Applications limit the length of a name.
  const name = id.slice(0, 20);
  const accounts: Accounts = {
    google: googleAccount(id, name, `${id}@gmail.com`),
    kakao: kakaoAccount(id, name, `${id}@kakao.example`),
    naver: naverAccount(id, name, `${id}.sandbox@naver.com`),
  };
  return ordinary(id, [name, name], accounts[provider]);
}

type KoreanAndEnglish = [ko: string, en: string];

function ordinary<Account>(id: string, name: KoreanAndEnglish, account: Account): Persona<Account> {
  return special(id, name, ['평범한 사용자', 'An ordinary user'], account);
}

function special<Account>(
  id: string,
  [ko, en]: KoreanAndEnglish,
  about: KoreanAndEnglish,
  account: Account,
): Persona<Account> {
  return { id, name: { ko, en }, about: { ko: about[0], en: about[1] }, account };
}
