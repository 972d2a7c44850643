import { useEffect, useRef } from 'react';
import { Link, useLocation } from 'wouter';
import { ContentBoundary } from '../ui/error-boundary.js';
import { ConfirmDialog } from '../ui/confirm-dialog.js';
import { useLoad } from '../ui/use-load.js';
import { showToast } from '../ui/toasts.js';
import { Author } from '../ui/avatar.js';
import { Title } from '../ui/title.js';
import { Async } from '../ui/async.js';
import { useWords } from '../i18n/language.js';
import { Time } from '../i18n/time.js';
import { useAuthState, useUser } from '../session/session.js';
import { deletePost, readBoard, readPost, type Post } from './api.js';
import { Comments } from './comments.js';
import { Like } from './like.js';
import { Markdown } from './markdown.js';

/** A post and what people say to it. */
export function PostPage({ id }: { readonly id: string }) {
  const loaded = useLoad(`post ${id}`, (signal) => readPost(id, signal));
  const user = useUser();
  const before = useRef(user?.id);
  // Whether one likes it depends on who one is.
  const { reload, replace } = loaded;
  useEffect(() => {
    if (user === undefined || before.current === user?.id) return;
    before.current = user?.id;
    replace(({ post, version }) => ({ post: { ...post, likedByMe: undefined }, version }));
    reload();
  }, [user, reload, replace]);
  return (
    <Async loaded={loaded} page>
      {({ post }) => (
        <PostView
          post={post}
          change={(changes) => loaded.replace((old) => ({ ...old, post: { ...old.post, ...changes } }))}
        />
      )}
    </Async>
  );
}

function PostView({
  post,
  change,
}: {
  readonly post: Post;
  readonly change: (changes: Partial<Post>) => void;
}) {
  const { boards } = useWords();
  const { lastId } = useAuthState();
  return (
    <>
      <article className="post">
        <BoardLink slug={post.board} />
        <Title text={post.title} />
        <ContentBoundary>
          <p className="meta">
            <Author person={post.author} />
            <Time at={post.createdAt} />
            {post.updatedAt !== post.createdAt && <span>{boards.edited}</span>}
          </p>
        </ContentBoundary>
        <Markdown text={post.body} />
        <div className="actions">
          <Like post={post} changed={change} />
          <Own post={post} />
        </div>
      </article>
      <ContentBoundary key={lastId}>
        <Comments post={post} counted={(commentCount) => change({ commentCount })} />
      </ContentBoundary>
    </>
  );
}

/** The way back; by its title as soon as that is known. */
function BoardLink({ slug }: { readonly slug: string }) {
  const { data } = useLoad(`board ${slug}`, (signal) => readBoard(slug, signal));
  return (
    <p className="back">
      <Link href={`/b/${slug}`}>
        <span aria-hidden="true">← </span>
        {data?.title ?? slug}
      </Link>
    </p>
  );
}

/** What the author may do, and an admin. */
function Own({ post }: { readonly post: Post }) {
  const { boards } = useWords();
  const user = useUser();
  const [, navigate] = useLocation();
  if (!user || (user.id !== post.author?.id && !user.roles.includes('admin'))) return null;
  return (
    <>
      <Link className="button plain" href={`/p/${post.id}/edit`}>
        {boards.edit}
      </Link>
      <ConfirmDialog
        label={boards.delete}
        title={boards.deletePost}
        text={boards.deletePostText}
        act={async () => {
          await deletePost(post.id);
          navigate(`/b/${post.board}`);
          showToast({ tone: 'good', text: (words) => words.boards.postDeleted });
        }}
      />
    </>
  );
}
