import type { Mail } from '../../mail/mailer.js';

/**
 * The mails around an address and a password, Korean first. None contains anything that whoever caused it has typed:
 * our mails carry nobody else's text to a stranger.
 */

/** Ends a registration. It says what opening the link means, since anyone may have caused the mail. */
export function verifyEmailMail(to: string, link: string): Mail {
  return {
    to,
    subject: '이메일 주소를 확인해 주세요 · Please verify your e-mail address',
    text: `아래 링크를 열면 가입이 끝나고, 가입할 때 정한 비밀번호로 로그인할 수 있습니다.
링크는 24시간 동안 한 번만 쓸 수 있습니다.

${link}

직접 가입하지 않았다면 링크를 열지 마세요. 다른 사람이 정한 비밀번호로 계정이 만들어질 수 있습니다.

--

Open the link above to finish your registration. The password that was chosen then will be yours.
It works once, within 24 hours.

If you did not register, do not open it: the password would be one that somebody else has chosen.
`,
  };
}

/** Tells the owner of an address that somebody tried to register it again. Nothing follows from it. */
export function addressInUseMail(to: string, page: string): Mail {
  return {
    to,
    subject: '이미 가입된 이메일 주소입니다 · This address is already registered',
    text: `이 이메일 주소로 가입 신청이 있었지만, 이미 가입되어 있습니다. 바뀐 것은 없습니다.
직접 신청했다면 원래 쓰던 방법으로 로그인해 주세요: ${page}
신청한 적이 없다면 이 메일은 무시해도 됩니다.

--

Somebody tried to register with this address, which has an account already. Nothing has changed.
If it was you, log in the way you always do: ${page}
If it was not, you can ignore this mail.
`,
  };
}
