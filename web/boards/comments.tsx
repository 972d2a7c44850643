import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { ContentBoundary } from '../ui/error-boundary.js';
import { ConfirmDialog } from '../ui/confirm-dialog.js';
import { Field, Form } from '../ui/form.js';
import { LoadMore } from '../ui/load-more.js';
import { usePages, type PagesData } from '../ui/use-load.js';
import { Author } from '../ui/avatar.js';
import { Async } from '../ui/async.js';
import { useWords } from '../i18n/language.js';
import { Time } from '../i18n/time.js';
import { useUser } from '../session/session.js';
import { changeComment, deleteComment, listComments, writeComment, type Comment, type Post } from './api.js';
import { useIdempotencyKey } from './idempotency.js';
import './comments.css';

/** The comments of a post, oldest first, and the form for a new one. */
export function Comments({
  post,
  counted,
}: {
  readonly post: Post;
  readonly counted: (count: number) => void;
}) {
  const { boards } = useWords();
  const queries = useQueryClient();
  const key = ['comments', post.id];
  const { loaded, next } = usePages(key, (cursor, signal) => listComments(post.id, cursor, signal));
  /** Comments written here. They follow the loaded ones, also before the last page is loaded. */
  const [written, setWritten] = useState<readonly Comment[]>([]);
  const heading = useRef<HTMLHeadingElement>(null);
  const [deletions, setDeletions] = useState(0);
  // The comment with the focus has disappeared.
  useEffect(() => {
    if (deletions > 0) heading.current?.focus();
  }, [deletions]);

  const change = (edit: (before: readonly Comment[]) => readonly Comment[]) => {
    queries.setQueryData<PagesData<Comment>>(
      key,
      (data) => data && { ...data, pages: data.pages.map((page) => ({ ...page, items: edit(page.items) })) },
    );
    setWritten(edit);
  };
  const show = (comments: readonly Comment[]) =>
    comments.map((comment) => (
      <CommentItem
        key={comment.id}
        comment={comment}
        changed={(now) => change((all) => all.map((each) => (each.id === now.id ? now : each)))}
        deleted={() => {
          change((all) => all.filter(({ id }) => id !== comment.id));
          counted(Math.max(0, post.commentCount - 1));
          setDeletions(deletions + 1);
        }}
      />
    ));
  return (
    <section className="comments" aria-labelledby="comments">
      <h2 id="comments" ref={heading} tabIndex={-1}>
        {boards.commentsTitle} <span className="count">{post.commentCount}</span>
      </h2>
      <Async loaded={loaded}>
        {(items) => {
          const last = written.filter(({ id }) => items.every((item) => item.id !== id));
          const isWhole = next === undefined;
          return (
            <>
              {items.length + last.length === 0 && <p className="hint">{boards.noComments}</p>}
              <ul>{show(isWhole ? [...items, ...last] : items)}</ul>
              <LoadMore next={next} />
              {!isWhole && last.length > 0 && (
                <>
                  <p className="hint">{boards.justWritten}</p>
                  <ul aria-label={boards.justWritten}>{show(last)}</ul>
                </>
              )}
              <NewComment
                postId={post.id}
                written={(comment) => {
                  setWritten((before) => [...before, comment]);
                  counted(post.commentCount + 1);
                }}
              />
            </>
          );
        }}
      </Async>
    </section>
  );
}

function CommentItem({
  comment,
  changed,
  deleted,
}: {
  comment: Comment;
  readonly changed: (now: Comment) => void;
  readonly deleted: () => void;
}) {
  const { boards, frame } = useWords();
  const user = useUser();
  const [editing, setEditing] = useState(false);
  const item = useRef<HTMLLIElement>(null);
  const wasEditing = useRef(false);
  // The focused button has disappeared; its successor takes the focus.
  useEffect(() => {
    if (editing !== wasEditing.current)
      item.current?.querySelector<HTMLElement>(editing ? 'textarea' : '.actions button')?.focus();
    wasEditing.current = editing;
  }, [editing]);
  const mine = user && (user.id === comment.author?.id || user.roles.includes('admin'));
  return (
    <li className="comment" ref={item}>
      <ContentBoundary>
        <p className="meta">
          <Author person={comment.author} />
          <Time at={comment.createdAt} />
          {comment.updatedAt !== comment.createdAt && <span>{boards.edited}</span>}
        </p>
      </ContentBoundary>
      {editing ? (
        <Form
          submit={boards.save}
          send={async ({ body = '' }) => {
            changed(await changeComment(comment.id, body));
            setEditing(false);
          }}
          beside={
            <button type="button" className="plain" onClick={() => setEditing(false)}>
              {frame.cancel}
            </button>
          }
        >
          <Field name="body" label={boards.comment} value={comment.body} rows={3} quietLabel />
        </Form>
      ) : (
        <ContentBoundary key={comment.body}>
          <p className="said">{comment.body}</p>
        </ContentBoundary>
      )}
      {mine && !editing && (
        <div className="actions small">
          <button className="plain" onClick={() => setEditing(true)}>
            {boards.edit}
          </button>
          <ConfirmDialog
            label={boards.delete}
            title={boards.deleteComment}
            text={boards.deleteCommentText}
            act={async () => {
              await deleteComment(comment.id);
              deleted();
            }}
          />
        </div>
      )}
    </li>
  );
}

function NewComment({
  postId,
  written,
}: {
  readonly postId: string;
  readonly written: (comment: Comment) => void;
}) {
  const { boards } = useWords();
  const user = useUser();
  const [path] = useLocation();
  const keyFor = useIdempotencyKey();
  /** Number of comments sent; as a key it empties the field. */
  const [round, setRound] = useState(0);
  if (user === undefined) return null;
  if (user === null) {
    return (
      <p>
        <Link className="button plain" href={`/login?next=${encodeURIComponent(path)}`}>
          {boards.logInToComment}
        </Link>
      </p>
    );
  }
  return (
    <Form
      className="new-comment"
      submit={boards.send}
      send={async ({ body = '' }) => {
        written(await writeComment(postId, body, keyFor({ round, body })));
        setRound(round + 1);
      }}
    >
      <Field key={round} name="body" label={boards.comment} rows={3} />
    </Form>
  );
}
