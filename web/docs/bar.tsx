import { PasswordForm } from '../auth/login-card.js';
import { ProviderButtons } from '../auth/provider-buttons.js';
import favicon from '../favicon.svg';
import { AsyncButton } from '../ui/async-button.js';
import { Toasts } from '../ui/toasts.js';
import { Outage } from '../shell/outage.js';
import { useTranslations, useWords } from '../i18n/language.js';
import { useProfile } from '../session/profile.js';
import { client, useUser } from '../session/session.js';

/** Bar above Swagger UI: login status, login and logout. */
export function Bar() {
  const { language, words, switchLanguage } = useTranslations();
  return (
    <header className="bar">
      <div className="row">
        <a className="brand" href="/">
          <img src={favicon} alt="" width="28" height="28" />
          <span lang="en">Daemun</span>
        </a>
        <LoginStatus />
        <LoginControls />
        <button className="quiet" lang={language === 'ko' ? 'en' : 'ko'} onClick={switchLanguage}>
          {words.otherLanguage}
        </button>
      </div>
      <Outage />
      <Toasts />
    </header>
  );
}

function LoginStatus() {
  const { docs } = useWords();
  const user = useUser();
  const profile = useProfile();
  return (
    <p className="standing" role="status">
      {user === null && docs.notLoggedIn}
      {user && docs.loggedInAs(profile?.nickname ?? '…')}
    </p>
  );
}

/** Login or logout; nothing while the session is unknown. */
function LoginControls() {
  const { entry } = useWords();
  const user = useUser();
  if (user === undefined) return null;
  if (user !== null) return <AsyncButton label={entry.logOut} action={() => client.logout()} />;
  return (
    <div className="login-methods">
      <ProviderButtons returnTo={location.pathname + location.search} />
      <details>
        <summary>{entry.withEmail}</summary>
        <PasswordForm />
      </details>
    </div>
  );
}
