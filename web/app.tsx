import { useEffect, type ReactNode } from 'react';
import { Route, Switch, useLocation } from 'wouter';
import type { WebPage } from '../src/http/web-pages.js';
import { BoardPage } from './boards/board-page.js';
import { EditPage, WritePage } from './boards/editor.js';
import { HomePage } from './boards/home.js';
import { PersonPage } from './boards/person-page.js';
import { PostPage } from './boards/post-page.js';
import { useMailedLink } from './auth/mailed-link.js';
import { MailedPage } from './auth/mailed-pages.js';
import { ForgotPage, LoginPage, RegisterPage } from './auth/login-pages.js';
import { ErrorBoundary } from './ui/error-boundary.js';
import { Footer } from './shell/footer.js';
import { isHistoryNavigation } from './ui/history-navigation.js';
import { Toasts } from './ui/toasts.js';
import { Outage } from './shell/outage.js';
import { Header } from './shell/header.js';
import { NotFound } from './ui/async.js';
import { useWords } from './i18n/language.js';
import { ActivityPage } from './account/activity-page.js';
import { DeleteAccountPage } from './account/delete-account-page.js';
import { ProfilePage } from './account/profile-page.js';
import { SessionsPage } from './account/sessions-page.js';
import { LoginMethodsPage } from './account/login-methods-page.js';
import { Panel } from './devtools/panel.js';

type Parameters = Readonly<Record<string, string | undefined>>;

/** Pages by path. The type makes the paths the same as those of the server. */
const PAGES: Readonly<Record<WebPage, (parameters: Parameters) => ReactNode>> = {
  '/': () => <HomePage />,
  '/login': () => <LoginPage />,
  '/register': () => <RegisterPage />,
  '/forgot-password': () => <ForgotPage />,
  '/b/:slug': ({ slug = '' }) => <BoardPage key={slug} slug={slug} />,
  '/b/:slug/write': ({ slug = '' }) => <WritePage key={slug} slug={slug} />,
  '/p/:id': ({ id = '' }) => <PostPage key={id} id={id} />,
  '/p/:id/edit': ({ id = '' }) => <EditPage key={id} id={id} />,
  '/u/:id': ({ id = '' }) => <PersonPage key={id} id={id} />,
  '/me': () => <ProfilePage />,
  '/me/ways-in': () => <LoginMethodsPage />,
  '/me/sessions': () => <SessionsPage />,
  '/me/activity': () => <ActivityPage />,
  '/me/delete': () => <DeleteAccountPage />,
};

/** The frame of every page, and the page of the current path. */
export function App() {
  const words = useWords();
  const [path] = useLocation();
  const link = useMailedLink();
  useScrollToTop(path);
  return (
    <>
      <a className="skip" href="#content">
        {words.skip}
      </a>
      <Header />
      <main id="content" tabIndex={-1}>
        <Outage />
        <Toasts />
        <ErrorBoundary key={path}>
          {link === undefined ? (
            <Switch>
              {Object.entries(PAGES).map(([pattern, show]) => (
                <Route key={pattern} path={pattern}>
                  {show}
                </Route>
              ))}
              <Route>
                <NotFound />
              </Route>
            </Switch>
          ) : (
            <MailedPage link={link} />
          )}
        </ErrorBoundary>
      </main>
      <Footer />
      <Panel />
    </>
  );
}

/** Scrolls to the top after a navigation. After Back or Forward the browser restores the scroll position. */
function useScrollToTop(path: string): void {
  useEffect(() => {
    if (!isHistoryNavigation()) scrollTo(0, 0);
  }, [path]);
}
