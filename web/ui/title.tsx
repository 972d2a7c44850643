import { useEffect, useRef, type ReactNode } from 'react';
import { useWords } from '../i18n/language.js';

let first = true;

/**
 * Heading of a page and title of the window. After a navigation it takes the focus, so that screen readers announce
 * the page.
 */
export function Title({ text, children }: { readonly text: string; readonly children?: ReactNode }) {
  const { siteName } = useWords();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${text} · ${siteName}`;
  }, [text, siteName]);
  useEffect(() => {
    if (!first) heading.current?.focus({ preventScroll: true });
    first = false;
  }, []);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {children ?? text}
    </h1>
  );
}
