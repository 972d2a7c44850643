import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from 'react';
import { en, type Words } from './en.js';
import { ko } from './ko.js';

export type Language = 'ko' | 'en';

const WORDS: Readonly<Record<Language, Words>> = { ko, en };
/** Key in localStorage: the only value that the page stores there. */
const REMEMBERED = 'language';

interface Translations {
  readonly language: Language;
  readonly words: Words;
  readonly switchLanguage: () => void;
}

const SpeechContext = createContext<Translations | undefined>(undefined);

interface Props {
  /** Language in the URL, which counts as the user's choice. */
  readonly requested: string | undefined;
  readonly children: ReactNode;
}

/** Provides one language: the one chosen before, otherwise that of the browser. */
export function LanguageProvider({ requested, children }: Props) {
  const [language, setLanguage] = useState<Language>(() => firstLanguage(requested));
  useEffect(() => void (document.documentElement.lang = language), [language]);
  const speech = useMemo(
    () => ({
      language,
      words: WORDS[language],
      switchLanguage: () => {
        const next = language === 'ko' ? 'en' : 'ko';
        remember(next);
        setLanguage(next);
      },
    }),
    [language],
  );
  return <SpeechContext value={speech}>{children}</SpeechContext>;
}

/** Returns the language and its texts. */
export function useTranslations(): Translations {
  const speech = useContext(SpeechContext);
  if (speech === undefined) throw new Error('there is no LanguageProvider above');
  return speech;
}

export function useWords(): Words {
  return useTranslations().words;
}

function firstLanguage(requested: string | undefined): Language {
  if (requested === 'ko' || requested === 'en') {
    remember(requested);
    return requested;
  }
  return /^ko\b/i.test(remembered() ?? navigator.language) ? 'ko' : 'en';
}

/** Returns the stored language. Without storage, a choice lasts as long as the page. */
function remembered(): string | undefined {
  try {
    return localStorage.getItem(REMEMBERED) ?? undefined;
  } catch {
    return undefined;
  }
}

function remember(language: Language): void {
  try {
    localStorage.setItem(REMEMBERED, language);
  } catch {
    // Without storage, the choice lasts as long as the page.
  }
}
