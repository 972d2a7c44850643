import { useEffect, type ReactNode } from 'react';
import { Route, Switch, useLocation } from 'wouter';
import type { WebPage } from '../src/http/web-pages.js';
import { BoardPage } from './boards/board-page.js';
import { EditPage, WritePage } from './boards/editor.js';
import { HomePage } from './boards/home.js';
import { PersonPage } from './boards/person-page.js';
import { PostPage } from './boards/post-page.js';
import { useMailedLink } from './entry/mailed-link.js';
import { MailedPage } from './entry/mailed-pages.js';
import { ForgotPage, LogInPage, RegisterPage } from './entry/pages.js';
import { Boundary } from './frame/boundary.js';
import { Footer } from './frame/footer.js';
import { wentBack } from './frame/going-back.js';
import { Notices } from './frame/notices.js';
import { Outage } from './frame/outage.js';
import { Top } from './frame/top.js';
import { NotFound } from './frame/waiting.js';
import { useWords } from './language/language.js';
import { ActivityPage } from './me/activity-page.js';
import { LeavePage } from './me/leave-page.js';
import { ProfilePage } from './me/profile-page.js';
import { SessionsPage } from './me/sessions-page.js';
import { WaysInPage } from './me/ways-in-page.js';
import { Panel } from './watch/panel.js';

type Parameters = Readonly<Record<string, string | undefined>>;

/** What is shown at each path; the compiler sees to it that the server knows the same ones. */
const PAGES: Readonly<Record<WebPage, (parameters: Parameters) => ReactNode>> = {
  '/': () => <HomePage />,
  '/login': () => <LogInPage />,
  '/register': () => <RegisterPage />,
  '/forgot-password': () => <ForgotPage />,
  '/b/:slug': ({ slug = '' }) => <BoardPage key={slug} slug={slug} />,
  '/b/:slug/write': ({ slug = '' }) => <WritePage key={slug} slug={slug} />,
  '/p/:id': ({ id = '' }) => <PostPage key={id} id={id} />,
  '/p/:id/edit': ({ id = '' }) => <EditPage key={id} id={id} />,
  '/u/:id': ({ id = '' }) => <PersonPage key={id} id={id} />,
  '/me': () => <ProfilePage />,
  '/me/ways-in': () => <WaysInPage />,
  '/me/sessions': () => <SessionsPage />,
  '/me/activity': () => <ActivityPage />,
  '/me/delete': () => <LeavePage />,
};

/** The page, whatever its path. */
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
      <Top />
      <main id="content" tabIndex={-1}>
        <Outage />
        <Notices />
        <Boundary key={path}>
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
        </Boundary>
      </main>
      <Footer />
      <Panel />
    </>
  );
}

/** Going on begins at the top; going back is left to the browser, which knows where one was. */
function useScrollToTop(path: string): void {
  useEffect(() => {
    if (!wentBack()) scrollTo(0, 0);
  }, [path]);
}
