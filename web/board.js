import { element } from './dom.js';
import { currentLanguage, say } from './language.js';
import { ask, Failure } from './session.js';

/** @typedef {{ title: string, author: { nickname: string } | null, commentCount: number, likeCount: number, createdAt: string }} Post */
/** @typedef {{ title: string, description: string, postCount: number }} Board */

/** @type {{ board: Board, posts: Post[] } | undefined} */
let shown;

/** Shows what everyone may read. Without the board there is nothing to show, and nothing to say about it. */
export async function showBoard() {
  try {
    const board = /** @type {Board} */ (await ask('/boards/free'));
    const { items } = /** @type {{ items: Post[] }} */ (await ask('/boards/free/posts?limit=5'));
    shown = { board, posts: items };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return;
  }
  writeBoard();
}

/** Writes the board in the page's language. */
export function writeBoard() {
  if (shown === undefined) return;
  const { board, posts } = shown;
  say(element('board-title', HTMLElement), 'board_with_count', {
    title: board.title,
    count: board.postCount,
  });
  element('board-description', HTMLElement).textContent = board.description;
  element('posts', HTMLElement).replaceChildren(...posts.map(entry));
  element('no-posts', HTMLElement).hidden = posts.length > 0;
  element('board', HTMLElement).hidden = false;
}

/** @param {Post} post */
function entry({ title, author, commentCount, likeCount, createdAt }) {
  const item = document.createElement('li');
  const heading = document.createElement('h3');
  heading.textContent = title;
  const line = document.createElement('p');
  line.className = 'hint';
  const time = new Intl.DateTimeFormat(currentLanguage(), { dateStyle: 'medium' }).format(
    new Date(createdAt),
  );
  const details = { time, comments: commentCount, likes: likeCount };
  if (author === null) say(line, 'post_line_nobody', details);
  else say(line, 'post_line', { ...details, author: author.nickname });
  item.append(heading, line);
  return item;
}
