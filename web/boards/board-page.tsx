import { useRef } from 'react';
import { Link, useSearchParams } from 'wouter';
import { graphemes } from '../ui/graphemes.js';
import { useLoad, usePages } from '../ui/use-load.js';
import { LoadMore } from '../ui/load-more.js';
import { Title } from '../ui/title.js';
import { Async } from '../ui/async.js';
import { useWords } from '../i18n/language.js';
import { boardKey, listPosts, readBoard, type Board, type Sort } from './api.js';
import { PostList } from './post-list.js';
import './board-page.css';

/** Limit of `q` on the server. */
const MAX_SEARCH_CHARACTERS = 100;

/** The posts of a board, with search and order. */
export function BoardPage({ slug }: { readonly slug: string }) {
  const board = useLoad(boardKey(slug), (signal) => readBoard(slug, signal), { isPublic: true });
  return (
    <Async loaded={board} page>
      {(data) => <BoardView board={data} />}
    </Async>
  );
}

function BoardView({ board }: { readonly board: Board }) {
  const { boards } = useWords();
  const [search] = useSearchParams();
  const q = search.get('q') ?? '';
  const sort: Sort = search.get('sort') === 'popular' ? 'popular' : 'latest';
  const { loaded, next } = usePages(
    ['posts', board.slug, sort, q],
    (cursor, signal) =>
      listPosts(board.slug, { sort: sort === 'latest' ? undefined : sort, q, cursor }, signal),
    { isPublic: true },
  );
  return (
    <>
      <header className="page-header">
        <div>
          <Title text={board.title} />
          <p className="lead">{board.description}</p>
        </div>
        <Link className="button main small" href={`/b/${board.slug}/write`}>
          {boards.write}
        </Link>
      </header>
      <div className="tools">
        <Search q={q} />
        {q === '' && <Sorting sort={sort} />}
      </div>
      <p className="found" role="status">
        {q !== '' && boards.found(q)}
      </p>
      <Async loaded={loaded}>
        {(items) =>
          items.length === 0 ? (
            <p className="hint">{q === '' ? boards.empty : boards.nothingFound}</p>
          ) : (
            <>
              <PostList posts={items} />
              <LoadMore next={next} />
            </>
          )
        }
      </Async>
    </>
  );
}

function Search({ q }: { readonly q: string }) {
  const { boards } = useWords();
  const [, setSearch] = useSearchParams();
  const input = useRef<HTMLInputElement>(null);
  const look = (next: string) =>
    setSearch((search) => {
      if (next === '') search.delete('q');
      else search.set('q', next);
      return search;
    });
  return (
    <form
      role="search"
      className="search"
      onSubmit={(event) => {
        event.preventDefault();
        look(
          graphemes(input.current?.value.trim() ?? '')
            .slice(0, MAX_SEARCH_CHARACTERS)
            .join(''),
        );
      }}
    >
      <input
        key={q}
        ref={input}
        type="search"
        name="q"
        aria-label={boards.searchLabel}
        placeholder={boards.searchLabel}
        defaultValue={q}
      />
      <button className="plain">{boards.search}</button>
      {q !== '' && (
        <button type="button" className="plain" onClick={() => look('')}>
          {boards.clearSearch}
        </button>
      )}
    </form>
  );
}

function Sorting({ sort }: { readonly sort: Sort }) {
  const { boards } = useWords();
  const [, setSearch] = useSearchParams();
  const choose = (next: Sort) =>
    setSearch((search) => {
      if (next === 'latest') search.delete('sort');
      else search.set('sort', next);
      return search;
    });
  const choices: readonly (readonly [Sort, string])[] = [
    ['latest', boards.sortLatest],
    ['popular', boards.sortPopular],
  ];
  return (
    <div className="choices" role="group" aria-label={boards.sort}>
      {choices.map(([value, label]) => (
        <button key={value} aria-pressed={sort === value} onClick={() => choose(value)}>
          {label}
        </button>
      ))}
    </div>
  );
}
