import { createContext, useContext, useEffect, useId, useRef, useState, type ReactNode } from 'react';
import { Failure } from '../../client/src/index.js';
import { useWords } from '../i18n/language.js';
import { client } from '../session/session.js';
import { failureText, fieldText } from './failure-text.js';
import { dismissToast } from './toasts.js';
import './form.css';

const FailureContext = createContext<Failure | undefined>(undefined);

/** Values of the fields, by name. */
type Values = Readonly<Record<string, string>>;

interface FormProps {
  readonly send: (values: Values) => Promise<void>;
  readonly submit: string;
  readonly children?: ReactNode;
  /** Content below the text of a failure. */
  readonly help?: (failure: Failure) => ReactNode;
  /** Texts by problem code that replace the general ones. */
  readonly meanings?: Readonly<Record<string, string>>;
  readonly danger?: boolean;
  /** Content beside the submit button. */
  readonly beside?: ReactNode;
  readonly className?: string;
}

/** A form that sends one request at a time, and shows `errors` of the response below their fields. */
export function Form({
  send,
  submit,
  children,
  help,
  meanings = {},
  danger = false,
  beside,
  className,
}: FormProps) {
  const words = useWords();
  const form = useRef<HTMLFormElement>(null);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  useEffect(() => {
    if (failure !== undefined) form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
  }, [failure]);
  // The message was meant for a logged-out user.
  useEffect(() => client.onChange(({ reason }) => reason === 'login' && setFailure(undefined)), []);

  async function onSubmit(): Promise<void> {
    if (form.current === null || busy) return;
    const values = Object.fromEntries(
      [...new FormData(form.current)].map(([name, value]) => [name, typeof value === 'string' ? value : '']),
    );
    setBusy(true);
    setFailure(undefined);
    dismissToast();
    try {
      await send(values);
      // Empties password fields after success.
      for (const field of form.current?.querySelectorAll<HTMLInputElement>('[type=password]') ?? []) {
        field.value = '';
      }
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      setFailure(error);
    } finally {
      setBusy(false);
    }
  }

  return (
    <form
      ref={form}
      noValidate
      className={className}
      onSubmit={(event) => {
        event.preventDefault();
        void onSubmit();
      }}
    >
      <FailureContext value={failure}>{children}</FailureContext>
      {/* Screen readers announce changes of an existing element only. */}
      <div role="alert">
        {failure && (
          <div className="note bad">
            <p>{meanings[failure.code] ?? failureText(failure, words)}</p>
            {help?.(failure)}
          </div>
        )}
      </div>
      <div className="actions">
        <button className={danger ? 'main danger' : 'main'} aria-disabled={busy}>
          {submit}
        </button>
        {beside}
      </div>
    </form>
  );
}

interface FieldProps {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  readonly type?: 'text' | 'email' | 'password' | 'url';
  readonly autoComplete?: string;
  readonly value?: string;
  readonly onChange?: (value: string) => void;
  /** Number of lines of a textarea. */
  readonly rows?: number;
  readonly quietLabel?: boolean;
}

/** A labelled field of a {@link Form}. */
export function Field({
  name,
  label,
  hint,
  type = 'text',
  autoComplete = 'off',
  value,
  onChange,
  rows,
  quietLabel,
}: FieldProps) {
  const words = useWords();
  const id = useId();
  const wrong = fieldText(name, useContext(FailureContext), words);
  const attributes = {
    id,
    name,
    autoComplete,
    defaultValue: value,
    onChange: (event: { target: { value: string } }) => onChange?.(event.target.value),
    'aria-describedby': hint === undefined ? undefined : `${id}-hint`,
    'aria-invalid': wrong !== undefined,
    'aria-errormessage': wrong === undefined ? undefined : `${id}-wrong`,
  };
  return (
    <div className="field">
      <label htmlFor={id} className={quietLabel ? 'unseen' : undefined}>
        {label}
      </label>
      {rows === undefined ? <input type={type} {...attributes} /> : <textarea rows={rows} {...attributes} />}
      {hint !== undefined && (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {wrong !== undefined && (
        <p className="wrong" id={`${id}-wrong`}>
          {wrong}
        </p>
      )}
    </div>
  );
}
