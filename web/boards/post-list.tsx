import { Link } from 'wouter';
import { ContentBoundary } from '../ui/error-boundary.js';
import { Author } from '../ui/avatar.js';
import { Time } from '../i18n/time.js';
import { useWords } from '../i18n/language.js';
import type { PostSummary } from './api.js';
import './post-list.css';

export function PostList({
  posts,
  level = 2,
}: {
  readonly posts: readonly PostSummary[];
  readonly level?: 2 | 3;
}) {
  return (
    <ul className="post-list">
      {posts.map((post) => (
        <PostItem key={post.id} post={post} level={level} />
      ))}
    </ul>
  );
}

function PostItem({ post, level }: { readonly post: PostSummary; readonly level: 2 | 3 }) {
  const Heading = level === 2 ? 'h2' : 'h3';
  return (
    <li>
      <Heading>
        <Link href={`/p/${post.id}`}>{post.title}</Link>
      </Heading>
      <ContentBoundary>
        {post.excerpt !== '' && <p className="excerpt">{post.excerpt}</p>}
        <p className="meta">
          <Author person={post.author} />
          <Time at={post.createdAt} />
          <Counts post={post} />
        </p>
      </ContentBoundary>
    </li>
  );
}

function Counts({ post: { commentCount, likeCount } }: { readonly post: PostSummary }) {
  const { boards } = useWords();
  return (
    <span className="counts">
      {likeCount > 0 && (
        <span>
          <span aria-hidden="true">♥ {likeCount}</span>
          <span className="unseen">{boards.likes(likeCount)}</span>
        </span>
      )}
      {commentCount > 0 && <span>{boards.comments(commentCount)}</span>}
    </span>
  );
}
