import { useState } from 'react';
import { Link } from 'wouter';
import { useWords } from '../i18n/language.js';
import { graphemes } from './graphemes.js';
import { mayShowPicture } from './pictures.js';
import './avatar.css';

/** Public data of a user. */
interface Person {
  readonly id: string;
  readonly nickname: string;
  readonly avatarUrl: string | null;
}

const COLOURS = 5;

/** Picture of a user; a letter if there is no picture, its host is not allowed, or it cannot be loaded. */
export function Avatar({ person, size = '' }: { readonly person: Person; readonly size?: '' | 'large' }) {
  const { id, nickname, avatarUrl } = person;
  const [missing, setMissing] = useState<string>();
  const colour = Number.parseInt(id.slice(-6), 16) % COLOURS || 0;
  return (
    <span className={`avatar colour-${colour} ${size}`} aria-hidden="true">
      {avatarUrl !== null && avatarUrl !== missing && mayShowPicture(avatarUrl) ? (
        <img src={avatarUrl} alt="" referrerPolicy="no-referrer" onError={() => setMissing(avatarUrl)} />
      ) : (
        graphemes(nickname)[0]
      )}
    </span>
  );
}

/** Author of a post or a comment. */
export function Author({ person }: { readonly person: Person | null }) {
  const words = useWords();
  if (person === null) return <span className="author">{words.frame.goneAuthor}</span>;
  return (
    <Link className="author" href={`/u/${person.id}`}>
      <Avatar person={person} />
      {person.nickname}
    </Link>
  );
}
