import type { Mail } from '../../mail/mailer.js';
import type { Locale } from '../../users/profiles.js';

/**
 * Templates of mails. No mail contains input of the client that caused it, so that it cannot carry a stranger's text. Mails are
 * in the language of the profile, and in Korean and English for accounts without a profile.
 */

interface Text {
  readonly subject: string;
  readonly text: string;
}

function mail(to: string, locale: Locale | undefined, texts: Readonly<Record<Locale, Text>>): Mail {
  if (locale !== undefined) return { to, ...texts[locale] };
  const { ko, en } = texts;
  return { to, subject: `${ko.subject} · ${en.subject}`, text: `${ko.text}\n--\n\n${en.text}` };
}

/** Registration that a link completes: the only one, one of several, or none of several. */
export type Registered = 'only' | 'later' | 'none';

/** Texts on the effect of the link, and on when not to open it. */
const LINK: Readonly<Record<Registered, Readonly<Record<Locale, { does: string; unless: string }>>>> = {
  only: {
    ko: {
      does: '아래 링크를 열면 가입이 끝나고, 가입할 때 정한 비밀번호로 로그인할 수 있습니다.',
      unless:
        '직접 가입하지 않았다면 링크를 열지 마세요. 다른 사람이 정한 비밀번호로 계정이 만들어질 수 있습니다.',
    },
    en: {
      does: 'Open this link to finish your registration. The password that was chosen then will be yours.',
      unless:
        'If you did not register, do not open it: the password would be one that somebody else has chosen.',
    },
  },
  later: {
    ko: {
      does: '아래 링크를 열면 가입이 끝나고, 이번에 정한 비밀번호로 로그인할 수 있습니다.',
      unless: `이 주소로 그전에도 가입 신청이 있었습니다. 방금 직접 가입한 경우에만 이 링크를 열어 주세요.
그렇지 않으면 다른 사람이 정한 비밀번호로 계정이 만들어집니다. 전에 가입했다면 그때 받은 메일의 링크를 열어 주세요.`,
    },
    en: {
      does: 'Open this link to finish your registration. The password that was chosen this time will be yours.',
      unless: `The address was registered before this. Open the link only if you registered just now: otherwise the password would be
one that somebody else has chosen. If you registered earlier, use the link of the mail that came then.`,
    },
  },
  none: {
    ko: {
      does: `이 주소로 가입 신청이 여러 번 있었습니다. 아래 링크를 열면 가입이 끝나고 로그인되지만, 그때 정한 비밀번호는 모두 쓸 수 없습니다.
그다음 로그인 화면에서 비밀번호를 잊었다고 알려 새로 정해 주세요.`,
      unless: '직접 가입하지 않았다면 링크를 열지 마세요.',
    },
    en: {
      does: `This address was registered more than once. Open this link to finish, and you are logged in; none of the passwords that
were chosen counts. Then choose one as if you had forgotten it, where you log in.`,
      unless: 'If you did not register, do not open it.',
    },
  },
};

/** Mail that verifies an address. It explains the effect of the link, because anyone may have caused the mail. */
export function verifyEmailMail(
  to: string,
  locale: Locale | undefined,
  link: string,
  which: Registered,
): Mail {
  const { ko, en } = LINK[which];
  return mail(to, locale, {
    ko: {
      subject: '이메일 주소를 확인해 주세요',
      text: `${ko.does}
링크는 24시간 동안 한 번만 쓸 수 있습니다.

${link}

${ko.unless}
`,
    },
    en: {
      subject: 'Please verify your e-mail address',
      text: `${en.does}
It works once, within 24 hours.

${link}

${en.unless}
`,
    },
  });
}

/** Mail about a registration of an address that has an account. */
export function addressInUseMail(to: string, locale: Locale | undefined, page: string): Mail {
  return mail(to, locale, {
    ko: {
      subject: '이미 가입된 이메일 주소입니다',
      text: `이 이메일 주소로 가입 신청이 있었지만, 이미 가입되어 있습니다. 바뀐 것은 없습니다.
직접 신청했다면 원래 쓰던 방법으로 로그인해 주세요: ${page}
신청한 적이 없다면 이 메일은 무시해도 됩니다.
`,
    },
    en: {
      subject: 'This address is already registered',
      text: `Somebody tried to register with this address, which has an account already. Nothing has changed.
If it was you, log in the way you always do: ${page}
If it was not, you can ignore this mail.
`,
    },
  });
}

/** Mail with the link that sets a new password. */
export function resetPasswordMail(to: string, locale: Locale | undefined, link: string): Mail {
  return mail(to, locale, {
    ko: {
      subject: '비밀번호를 새로 정해 주세요',
      text: `아래 링크를 열면 새 비밀번호를 정할 수 있습니다. 링크는 한 시간 동안 한 번만 쓸 수 있습니다.

${link}

비밀번호를 바꾸면 모든 기기에서 로그아웃됩니다.
요청한 적이 없다면 이 메일은 무시해도 됩니다. 바뀐 것은 없습니다.
`,
    },
    en: {
      subject: 'Choose a new password',
      text: `Open this link to choose a new password. It works once, within an hour.

${link}

You will be logged out everywhere when the password has changed.
If you did not ask for this, you can ignore this mail: nothing has changed.
`,
    },
  });
}

export function passwordChangedMail(to: string, locale: Locale | undefined, page: string): Mail {
  return mail(to, locale, {
    ko: {
      subject: '비밀번호가 바뀌었습니다',
      text: `이 계정의 비밀번호가 방금 바뀌었습니다.
직접 바꾸지 않았다면 바로 비밀번호를 새로 정해 주세요: ${page}
`,
    },
    en: {
      subject: 'Your password has changed',
      text: `The password of your account has just changed.
If that was not you, choose a new one right away: ${page}
`,
    },
  });
}

export function identityLinkedMail(
  to: string,
  locale: Locale | undefined,
  provider: string,
  page: string,
): Mail {
  return mail(to, locale, {
    ko: {
      subject: `${provider} 로그인이 연결되었습니다`,
      text: `이제 ${provider} 계정으로도 로그인할 수 있습니다.
직접 연결하지 않았다면 로그인해서 연결을 끊고 비밀번호를 바꿔 주세요: ${page}
`,
    },
    en: {
      subject: `You can now log in with ${provider}`,
      text: `A ${provider} account has been linked to yours: whoever has it can log in.
If that was not you, log in, unlink it and change your password: ${page}
`,
    },
  });
}

/** Notice of a deleted account, and the last mail to its address. */
export function accountDeletedMail(to: string, locale: Locale | undefined): Mail {
  return mail(to, locale, {
    ko: {
      subject: '계정이 삭제되었습니다',
      text: `요청하신 대로 계정과 프로필을 삭제하고 모든 기기에서 로그아웃했습니다. 그동안 이용해 주셔서 감사합니다.
`,
    },
    en: {
      subject: 'Your account has been deleted',
      text: `As you asked, your account and profile have been deleted, and you are logged out everywhere. Thank you for having been here.
`,
    },
  });
}
