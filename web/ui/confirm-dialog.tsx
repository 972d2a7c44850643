import { useId, useRef } from 'react';
import { useWords } from '../i18n/language.js';
import { AsyncButton } from './async-button.js';
import './confirm-dialog.css';

interface ConfirmProps {
  readonly label: string;
  /** Accessible name, if the label is ambiguous. */
  readonly name?: string;
  readonly className?: string;
  readonly title: string;
  readonly text: string;
  readonly act: () => Promise<void>;
}

/** A button for an irreversible action, with a dialog that asks for confirmation. */
export function ConfirmDialog({ label, name, className = 'plain', title, text, act }: ConfirmProps) {
  const words = useWords();
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const cancel = useRef<HTMLButtonElement>(null);
  return (
    <>
      <button
        className={className}
        aria-label={name}
        onClick={() => {
          dialog.current?.showModal();
          // Otherwise the destructive button has the focus, and Enter twice confirms.
          cancel.current?.focus();
        }}
      >
        {label}
      </button>
      <dialog ref={dialog} aria-labelledby={`${id}-title`} aria-describedby={`${id}-text`}>
        <h2 id={`${id}-title`}>{title}</h2>
        <p id={`${id}-text`}>{text}</p>
        <div className="actions">
          <AsyncButton
            className="main danger"
            label={label}
            action={async () => {
              try {
                await act();
              } finally {
                dialog.current?.close();
              }
            }}
          />
          <button ref={cancel} className="plain" onClick={() => dialog.current?.close()}>
            {words.frame.cancel}
          </button>
        </div>
      </dialog>
    </>
  );
}
