import { useTranslations, type Language } from './language.js';

const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

/** A time relative to now; a date after a week. The tooltip has date and time in full. */
export function Time({ at }: { readonly at: string }) {
  const { language } = useTranslations();
  const whole = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'short' });
  return (
    <time dateTime={at} title={whole.format(new Date(at))}>
      {sayWhen(at, language)}
    </time>
  );
}

/** Formats a time like {@link Time}, for use in a sentence. */
export function sayWhen(at: string, language: Language): string {
  const seconds = (Date.now() - Date.parse(at)) / 1_000;
  if (seconds >= 7 * 86_400) {
    return new Intl.DateTimeFormat(language, { dateStyle: 'medium' }).format(new Date(at));
  }
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
  for (const [unit, length] of UNITS) {
    if (seconds >= length) return relative.format(-Math.floor(seconds / length), unit);
  }
  return relative.format(0, 'second');
}
