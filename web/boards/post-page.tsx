import { useQuery, useQueryClient } from '@tanstack/react-query';
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
import { boardKey, deletePost, readBoard, readPost, type Post, type PostVersion } from './api.js';
import { Comments } from './comments.js';
import { Like } from './like.js';
import { Markdown } from './markdown.js';
import './post-page.css';

/** A post with its comments. */
export function PostPage({ id }: { readonly id: string }) {
  const queries = useQueryClient();
  // `likedByMe` belongs to the user: until it is loaded for another user, the post is shown without it.
  const key = ['post', id, useUser()?.id];
  const loaded = useLoad<PostVersion>(key, (signal) => readPost(id, signal), {
    placeholder: (before) => before && { ...before, post: { ...before.post, likedByMe: undefined } },
  });
  const change = (changes: Partial<Post>) =>
    queries.setQueryData<PostVersion>(key, (old) => old && { ...old, post: { ...old.post, ...changes } });
  return (
    <Async loaded={loaded} page>
      {({ post }) => <PostView post={post} change={change} />}
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

/** The link to the board, by its slug until its title is loaded. */
function BoardLink({ slug }: { readonly slug: string }) {
  const { data } = useQuery({
    queryKey: boardKey(slug),
    queryFn: ({ signal }) => readBoard(slug, signal),
    staleTime: Infinity,
  });
  return (
    <p className="back">
      <Link href={`/b/${slug}`}>
        <span aria-hidden="true">← </span>
        {data?.title ?? slug}
      </Link>
    </p>
  );
}

/** Buttons for the author and for admins. */
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
