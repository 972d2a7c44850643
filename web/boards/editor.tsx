import { useEffect, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { Failure } from '../../client/src/index.js';
import { RequireLogin } from '../auth/require-login.js';
import { Field, Form } from '../ui/form.js';
import { useLoad } from '../ui/use-load.js';
import { Title } from '../ui/title.js';
import { Async } from '../ui/async.js';
import { useWords } from '../i18n/language.js';
import { useUser } from '../session/session.js';
import { changePost, readPost, writePost, type PostVersion } from './api.js';
import { Conflict } from './conflict.js';
import { useDraft, type Draft, type Drafting } from './drafts.js';
import { useIdempotencyKey } from './idempotency.js';
import { Markdown } from './markdown.js';
import './editor.css';

const NOTHING: Draft = { title: '', body: '' };

export function WritePage({ slug }: { readonly slug: string }) {
  const { boards } = useWords();
  return (
    <RequireLogin title={boards.writeTitle}>
      <Title text={boards.writeTitle} />
      <NewPost slug={slug} />
    </RequireLogin>
  );
}

function NewPost({ slug }: { readonly slug: string }) {
  const { boards } = useWords();
  const [, navigate] = useLocation();
  const keyFor = useIdempotencyKey();
  const drafting = useDraft(`in ${slug}`, NOTHING);
  return (
    <Editor
      key={drafting.round}
      original={NOTHING}
      drafting={drafting}
      submit={boards.publish}
      send={async (draft) => {
        const { id } = await writePost(slug, draft, keyFor(draft));
        drafting.drop();
        navigate(`/p/${id}`, { replace: true });
      }}
    />
  );
}

export function EditPage({ id }: { readonly id: string }) {
  const { boards } = useWords();
  const loaded = useLoad(['edit', id], (signal) => readPost(id, signal));
  return (
    <RequireLogin title={boards.editTitle}>
      <Async loaded={loaded} page>
        {(read) => <EditView read={read} />}
      </Async>
    </RequireLogin>
  );
}

function EditView({ read }: { readonly read: PostVersion }) {
  const { boards } = useWords();
  const user = useUser();
  const [, navigate] = useLocation();
  const { id, author } = read.post;
  const original = draftOf(read);
  const drafting = useDraft(`of ${id}`, original);
  /** The draft that the server refused, because the post has a newer version. */
  const [refused, setRefused] = useState<Draft>();

  async function save({ title, body }: Draft, version: string | undefined): Promise<void> {
    await changePost(id, { title, body }, version);
    drafting.drop();
    navigate(`/p/${id}`, { replace: true });
  }

  async function send(draft: Draft): Promise<void> {
    try {
      await save(draft, drafting.start.version);
    } catch (error) {
      if (!(error instanceof Failure && error.code === 'version_conflict')) throw error;
      setRefused(draft);
    }
  }

  // While logged out, the editor keeps the draft of the previous user.
  if (user && user.id !== author?.id && !user.roles.includes('admin')) {
    return (
      <>
        <Title text={boards.editTitle} />
        <p className="note bad">{boards.notYours}</p>
      </>
    );
  }
  return (
    <>
      <Title text={boards.editTitle} />
      {refused !== undefined && (
        <Conflict
          keepMine={() => save(refused, undefined)}
          takeTheirs={async () => {
            drafting.restart(draftOf(await readPost(id)));
            setRefused(undefined);
          }}
        />
      )}
      <Editor key={drafting.round} original={original} drafting={drafting} submit={boards.save} send={send} />
    </>
  );
}

function draftOf({ post: { title, body }, version }: PostVersion): Draft {
  return { title, body, version };
}

/** Form for a post, with a preview. */
function Editor({
  original,
  drafting,
  submit,
  send,
}: {
  /** Text without the draft. */
  readonly original: Draft;
  readonly drafting: Drafting;
  submit: string;
  readonly send: (draft: Draft) => Promise<void>;
}) {
  const { boards } = useWords();
  const { start, resumed, round, keep, drop, restart } = drafting;
  const [written, setWritten] = useState(start);
  const [preview, setPreview] = useState(false);
  const first = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // The button with the focus has disappeared.
    if (round > 0) first.current?.querySelector('input')?.focus();
  }, [round]);
  const write = (change: Partial<Draft>) => {
    const next = { ...written, ...change };
    setWritten(next);
    if (!resumed && next.title === start.title && next.body === start.body) drop();
    else keep(next);
  };
  return (
    <Form
      className="editor"
      submit={submit}
      send={({ title = '', body = '' }) => {
        setPreview(false);
        return send({ title, body });
      }}
      beside={
        <button type="button" className="plain" aria-pressed={preview} onClick={() => setPreview(!preview)}>
          {preview ? boards.keepWriting : boards.preview}
        </button>
      }
    >
      {resumed && (
        <div className="note good">
          <p>{boards.resumed}</p>
          <button type="button" className="plain" onClick={() => restart(original)}>
            {boards.discard}
          </button>
        </div>
      )}
      <div ref={first}>
        <Field name="title" label={boards.title} value={start.title} onChange={(title) => write({ title })} />
      </div>
      <div hidden={preview}>
        <Field
          name="body"
          label={boards.body}
          hint={boards.bodyHint}
          value={start.body}
          rows={14}
          onChange={(body) => write({ body })}
        />
      </div>
      {preview && (
        <section className="preview" aria-label={boards.preview}>
          {written.body.trim() === '' ? (
            <p className="hint">{boards.nothingToPreview}</p>
          ) : (
            <Markdown text={written.body} />
          )}
        </section>
      )}
    </Form>
  );
}
