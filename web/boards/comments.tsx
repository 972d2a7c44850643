import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import { Confirm } from '../frame/confirm.js';
import { Field, Form } from '../frame/form.js';
import { More } from '../frame/more.js';
import { usePages } from '../frame/pages.js';
import { Author } from '../frame/person.js';
import { Show } from '../frame/waiting.js';
import { useWords } from '../language/language.js';
import { Time } from '../language/time.js';
import { useUser } from '../session/session.js';
import { changeComment, deleteComment, listComments, writeComment, type Comment, type Post } from './api.js';
import { useIdempotencyKey } from './idempotency.js';

/** What people say to a post, oldest first, and where to say something. */
export function Comments({
  post,
  counted,
}: {
  readonly post: Post;
  readonly counted: (count: number) => void;
}) {
  const { boards } = useWords();
  const pages = usePages(`comments ${post.id}`, (cursor, signal) => listComments(post.id, cursor, signal));
  const change = (items: (before: readonly Comment[]) => readonly Comment[]) =>
    pages.replace((page) => ({ ...page, items: items(page.items) }));
  return (
    <section className="comments" aria-labelledby="comments">
      <h2 id="comments">
        {boards.commentsTitle} <span className="count">{post.commentCount}</span>
      </h2>
      <Show loaded={pages}>
        {({ items }) => (
          <>
            {items.length === 0 && <p className="hint">{boards.noComments}</p>}
            <ul>
              {items.map((comment) => (
                <CommentItem
                  key={comment.id}
                  comment={comment}
                  changed={(now) => change((all) => all.map((each) => (each.id === now.id ? now : each)))}
                  deleted={() => {
                    change((all) => all.filter(({ id }) => id !== comment.id));
                    counted(Math.max(0, post.commentCount - 1));
                  }}
                />
              ))}
            </ul>
            <More more={pages.more} moreFailure={pages.moreFailure} />
            <NewComment
              postId={post.id}
              written={(comment) => {
                // On the last page it is the next one; else it comes with the pages that are still to come.
                if (pages.more === undefined) change((all) => [...all, comment]);
                counted(post.commentCount + 1);
              }}
            />
          </>
        )}
      </Show>
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
  const mine = user && (user.id === comment.author?.id || user.roles.includes('admin'));
  return (
    <li className="comment">
      <p className="meta">
        <Author person={comment.author} />
        <Time at={comment.createdAt} />
        {comment.updatedAt !== comment.createdAt && <span>{boards.edited}</span>}
      </p>
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
        <p className="said">{comment.body}</p>
      )}
      {mine && !editing && (
        <div className="actions small">
          <button className="plain" onClick={() => setEditing(true)}>
            {boards.edit}
          </button>
          <Confirm
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
  /** Changes with each comment, so that the field is empty again. */
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
