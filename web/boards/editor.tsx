import { useState } from 'react';
import { useLocation } from 'wouter';
import { Failure } from '../../client/src/index.js';
import { Gate } from '../entry/gate.js';
import { Field, Form } from '../frame/form.js';
import { useLoad } from '../frame/load.js';
import { Title } from '../frame/title.js';
import { Show } from '../frame/waiting.js';
import { useWords } from '../language/language.js';
import { useUser } from '../session/session.js';
import { changePost, readPost, writePost, type PostVersion } from './api.js';
import { Conflict } from './conflict.js';
import { useIdempotencyKey } from './idempotency.js';
import { Markdown } from './markdown.js';

interface Draft {
  readonly title: string;
  readonly body: string;
}

export function WritePage({ slug }: { readonly slug: string }) {
  const { boards } = useWords();
  const [, navigate] = useLocation();
  const keyFor = useIdempotencyKey();
  return (
    <Gate title={boards.writeTitle}>
      <Title text={boards.writeTitle} />
      <Editor
        draft={{ title: '', body: '' }}
        submit={boards.publish}
        send={async (draft) => {
          const { id } = await writePost(slug, draft, keyFor(draft));
          navigate(`/p/${id}`, { replace: true });
        }}
      />
    </Gate>
  );
}

export function EditPage({ id }: { readonly id: string }) {
  const { boards } = useWords();
  const loaded = useLoad(`edit ${id}`, (signal) => readPost(id, signal));
  return (
    <Gate title={boards.editTitle}>
      <Show loaded={loaded} page>
        {(read) => <EditView read={read} />}
      </Show>
    </Gate>
  );
}

function EditView({ read }: { readonly read: PostVersion }) {
  const { boards } = useWords();
  const user = useUser();
  const [, navigate] = useLocation();
  const [base, setBase] = useState(read);
  /** What could not be saved, since the post has become another one meanwhile. */
  const [refused, setRefused] = useState<Draft>();
  const { id, author } = read.post;
  const done = () => navigate(`/p/${id}`, { replace: true });

  async function send(draft: Draft): Promise<void> {
    try {
      await changePost(id, draft, base.version);
      done();
    } catch (error) {
      if (!(error instanceof Failure && error.code === 'version_conflict')) throw error;
      setRefused(draft);
    }
  }

  if (user?.id !== author?.id && user?.roles.includes('admin') !== true) {
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
          keepMine={async () => {
            await changePost(id, refused, undefined);
            done();
          }}
          takeTheirs={async () => {
            setBase(await readPost(id));
            setRefused(undefined);
          }}
        />
      )}
      <Editor key={base.version} draft={base.post} submit={boards.save} send={send} />
    </>
  );
}

/** Where one writes, and sees what it will look like. */
function Editor({
  draft,
  submit,
  send,
}: {
  draft: Draft;
  submit: string;
  readonly send: (draft: Draft) => Promise<void>;
}) {
  const { boards } = useWords();
  const [body, setBody] = useState(draft.body);
  const [preview, setPreview] = useState(false);
  return (
    <Form
      className="editor"
      submit={submit}
      send={({ title = '', body: written = '' }) => {
        setPreview(false);
        return send({ title, body: written });
      }}
      beside={
        <button type="button" className="plain" aria-pressed={preview} onClick={() => setPreview(!preview)}>
          {preview ? boards.keepWriting : boards.preview}
        </button>
      }
    >
      <Field name="title" label={boards.title} value={draft.title} />
      <div hidden={preview}>
        <Field
          name="body"
          label={boards.body}
          hint={boards.bodyHint}
          value={draft.body}
          rows={14}
          onChange={setBody}
        />
      </div>
      {preview && (
        <section className="preview" aria-label={boards.preview}>
          {body.trim() === '' ? <p className="hint">{boards.nothingToPreview}</p> : <Markdown text={body} />}
        </section>
      )}
    </Form>
  );
}
