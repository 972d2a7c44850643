import { useId, useRef } from 'react';
import { useWords } from '../i18n/language.js';
import { AsyncButton } from './async-button.js';
import './confirm-dialog.css';

interface ConfirmProps {
  readonly label: string;
  /** What it is called where the label alone does not say enough. */
  readonly name?: string;
  readonly className?: string;
  readonly title: string;
  readonly text: string;
  readonly act: () => Promise<void>;
}

/** A button for what cannot be undone: it asks first. */
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
          // Else it were the button that does it, and pressing Enter twice would be enough.
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
