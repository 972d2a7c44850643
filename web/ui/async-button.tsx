import { useState } from 'react';
import type { Words } from '../i18n/en.js';
import { useWords } from '../i18n/language.js';
import { failureText } from './failure-text.js';
import { dismissToast, showToast } from './toasts.js';

interface AsyncButtonProps {
  readonly action: () => Promise<void>;
  readonly label: string;
  /** Accessible name, if the label is ambiguous. */
  readonly name?: string;
  readonly className?: string;
  /** Message after success. */
  readonly done?: (words: Words) => string;
}

/** A button that runs an action, one at a time, and shows a failure as a toast. */
export function AsyncButton({ action, label, name, className = 'plain', done }: AsyncButtonProps) {
  const words = useWords();
  const [busy, setBusy] = useState(false);
  async function onClick(): Promise<void> {
    if (busy) return;
    setBusy(true);
    dismissToast();
    try {
      await action();
      if (done !== undefined) showToast({ tone: 'good', text: done });
    } catch (error) {
      // Throws bugs of the page.
      failureText(error, words);
      showToast({ tone: 'bad', text: (now) => failureText(error, now) });
    } finally {
      setBusy(false);
    }
  }
  return (
    <button className={className} aria-label={name} aria-disabled={busy} onClick={() => void onClick()}>
      {label}
    </button>
  );
}
