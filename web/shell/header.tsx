import { Link, useLocation } from 'wouter';
import favicon from '../favicon.svg';
import { useTranslations } from '../i18n/language.js';
import { useProfile } from '../session/profile.js';
import { useAuthState } from '../session/session.js';
import { togglePanel, usePanelOpen } from '../devtools/panel-open.js';
import { Avatar } from '../ui/avatar.js';
import './header.css';

export function Header() {
  const { language, words, switchLanguage } = useTranslations();
  const panelOpen = usePanelOpen();
  return (
    <header className="top">
      <nav aria-label={words.frame.mainMenu}>
        <Link className="brand" href="/">
          <img src={favicon} alt="" width="30" height="30" />
          <span lang="ko">대문</span>
          <span className="latin" lang="en">
            Daemun
          </span>
        </Link>
        <button
          className="watch-button"
          aria-expanded={panelOpen}
          aria-controls="watch"
          onClick={togglePanel}
          aria-label={words.frame.watch}
        >
          <PulseIcon />
          <span className="wide">{words.frame.watch}</span>
        </button>
        <button className="quiet" lang={language === 'ko' ? 'en' : 'ko'} onClick={switchLanguage}>
          {words.otherLanguage}
        </button>
        <AccountLink />
      </nav>
    </header>
  );
}

/** Link to the login, or to the user's account; nothing while the session is unknown. */
function AccountLink() {
  const { words } = useTranslations();
  const { user } = useAuthState();
  const profile = useProfile();
  const [path] = useLocation();
  if (user === undefined) return null;
  if (user === null) {
    if (path === '/login') return null;
    const href = `/login?next=${encodeURIComponent(path + location.search)}`;
    return (
      <Link className="button main small" href={href}>
        {words.entry.logIn}
      </Link>
    );
  }
  return (
    <Link className="mine" href="/me" aria-label={words.frame.me}>
      <Avatar person={profile ?? { id: user.id, nickname: '…', avatarUrl: null }} />
    </Link>
  );
}

function PulseIcon() {
  return (
    <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
      <path d="M2 12h4l3-8 5 16 3-8h5" />
    </svg>
  );
}
