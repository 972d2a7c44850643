import { useState } from 'react';
import type { Words } from '../language/en.js';
import { useWords } from '../language/language.js';
import { failureText } from './failure-text.js';
import { forget, tell } from './notices.js';

interface ActProps {
  readonly act: () => Promise<void>;
  readonly label: string;
  /** What it is called where the label alone does not say enough. */
  readonly name?: string;
  readonly className?: string;
  /** What to tell when it is done. */
  readonly done?: (words: Words) => string;
}

/** A button that does something, once at a time, and tells when that fails. */
export function Act({ act, label, name, className = 'plain', done }: ActProps) {
  const words = useWords();
  const [busy, setBusy] = useState(false);
  async function onClick(): Promise<void> {
    if (busy) return;
    setBusy(true);
    forget();
    try {
      await act();
      if (done !== undefined) tell({ tone: 'good', text: done });
    } catch (error) {
      // Thrown on here and now where it is a mistake of ours.
      failureText(error, words);
      tell({ tone: 'bad', text: (now) => failureText(error, now) });
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
