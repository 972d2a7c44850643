import { useEffect } from 'react';
import { Link, useLocation } from 'wouter';
import type { Words } from '../i18n/en.js';
import { useWords } from '../i18n/language.js';
import { makeStore } from '../state/store.js';
import './toasts.css';

/** Message above the page, until the next navigation. */
interface Toast {
  readonly tone: 'good' | 'bad';
  /** A function, since the language may change while it is shown. */
  readonly text: (words: Words) => string;
  readonly next?: { readonly label: (words: Words) => string; readonly href: string };
}

const shown = makeStore<{ readonly notice: Toast; readonly path: string } | undefined>(undefined);

/** Shows a message on the current page. */
export function showToast(notice: Toast): void {
  shown.set({ notice, path: location.pathname });
}

export function dismissToast(): void {
  shown.set(undefined);
}

/** Live region for messages. */
export function Toasts() {
  const words = useWords();
  const [path] = useLocation();
  const current = shown.use();
  useEffect(() => {
    const old = shown.get();
    if (old !== undefined && old.path !== path) shown.set(undefined);
  }, [path]);
  const notice = current?.notice;
  return (
    <div className="notices" role="status">
      {notice && (
        <div className={`note ${notice.tone}`}>
          <p>{notice.text(words)}</p>
          {notice.next && (
            <Link className="button plain" href={notice.next.href}>
              {notice.next.label(words)}
            </Link>
          )}
          <button className="icon" aria-label={words.frame.dismiss} onClick={dismissToast}>
            ✕
          </button>
        </div>
      )}
    </div>
  );
}
