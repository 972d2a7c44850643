import { useWords } from '../i18n/language.js';
import './footer.css';

const API_URL = import.meta.env.VITE_API_URL ?? '';
/** Path of Swagger UI; empty if `DOCS` is off. */
const DOCS = document.querySelector<HTMLMetaElement>('meta[name="api-docs"]')?.content ?? '';

export function Footer() {
  const { frame } = useWords();
  return (
    <footer className="bottom">
      <p>{frame.footer}</p>
      {DOCS !== '' && <a href={`${API_URL}${DOCS}`}>{frame.docs}</a>}
      <a href="/assets/third-party-notices.txt">{frame.notices}</a>
    </footer>
  );
}
