import { useWords } from '../language/language.js';

const API_URL = import.meta.env.VITE_API_URL ?? '';

export function Footer() {
  const { frame } = useWords();
  return (
    <footer className="bottom">
      <p>{frame.footer}</p>
      <a href={`${API_URL}/docs`}>{frame.docs}</a>
      <a href="/assets/third-party-notices.txt">{frame.notices}</a>
    </footer>
  );
}
