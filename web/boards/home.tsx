import { Link } from 'wouter';
import gate from '../gate.svg';
import { LoginCard } from '../auth/login-card.js';
import { useLoad } from '../ui/use-load.js';
import { Title } from '../ui/title.js';
import { Async } from '../ui/async.js';
import { useWords } from '../i18n/language.js';
import { useProfile } from '../session/profile.js';
import { useUser } from '../session/session.js';
import { listBoards, listPosts, type Board, type PostSummary } from './api.js';
import { PostList } from './post-list.js';
import './home.css';

/** Posts shown of each board. Each board costs a request. */
const POSTS = 3;
const BOARDS = 6;

interface Beginning {
  readonly boards: readonly { readonly board: Board; readonly posts: readonly PostSummary[] }[];
  readonly others: readonly Board[];
}

/** The home page: the newest posts, and the login card for a logged-out user. */
export function HomePage() {
  const { home } = useWords();
  const user = useUser();
  const profile = useProfile();
  const loaded = useLoad(['home'], begin, { isPublic: true });
  return (
    <div className={user === null ? 'home outside' : 'home'}>
      <section className="welcome">
        <img className="gate" src={gate} alt="" width="240" height="192" />
        <div>
          <Title text={home.headline}>{profile ? home.welcome(profile.nickname) : home.headline}</Title>
          <p className="lead">{user ? home.inside : home.tagline}</p>
        </div>
      </section>
      {user === null && <LoginCard returnTo="/" compact />}
      <div className="boards">
        <Async loaded={loaded}>
          {({ boards, others }) => (
            <>
              {boards.length === 0 && <p className="hint">{home.noBoards}</p>}
              {boards.map(({ board, posts }) => (
                <BoardBeginning key={board.slug} board={board} posts={posts} />
              ))}
              {others.length > 0 && (
                <ul className="other-boards" aria-label={home.boards}>
                  {others.map(({ slug, title }) => (
                    <li key={slug}>
                      <Link href={`/b/${slug}`}>{title}</Link>
                    </li>
                  ))}
                </ul>
              )}
            </>
          )}
        </Async>
      </div>
    </div>
  );
}

function BoardBeginning({ board, posts }: { readonly board: Board; readonly posts: readonly PostSummary[] }) {
  const { boards } = useWords();
  return (
    <section className="board-beginning" aria-labelledby={`board-${board.slug}`}>
      <header>
        <h2 id={`board-${board.slug}`}>
          <Link href={`/b/${board.slug}`}>{board.title}</Link>
        </h2>
        <Link className="all" href={`/b/${board.slug}`}>
          <span className="unseen">{board.title}: </span>
          {boards.posts(board.postCount)}
        </Link>
      </header>
      <p className="hint">{board.description}</p>
      {posts.length === 0 ? <p className="hint">{boards.empty}</p> : <PostList posts={posts} level={3} />}
    </section>
  );
}

async function begin(signal: AbortSignal): Promise<Beginning> {
  const { items } = await listBoards(signal);
  const boards = await Promise.all(
    items.slice(0, BOARDS).map(async (board) => {
      const { items: posts } = await listPosts(board.slug, { limit: POSTS }, signal);
      return { board, posts };
    }),
  );
  return { boards, others: items.slice(BOARDS) };
}
