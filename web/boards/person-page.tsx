import { ContentBoundary } from '../frame/boundary.js';
import { useLoad } from '../frame/load.js';
import { Avatar, type Person } from '../frame/person.js';
import { Title } from '../frame/title.js';
import { Show } from '../frame/waiting.js';
import { useWords } from '../language/language.js';
import { askAsAnyone } from '../session/ask.js';

/** Who somebody is to others. */
export function PersonPage({ id }: { readonly id: string }) {
  const { boards } = useWords();
  const loaded = useLoad(`user ${id}`, (signal) =>
    askAsAnyone<Person & { bio: string }>(`/users/${encodeURIComponent(id)}`, { signal }),
  );
  return (
    <Show loaded={loaded} page>
      {(person) => (
        <section className="person">
          <Avatar person={person} size="large" />
          <div>
            <Title text={person.nickname} />
            <ContentBoundary>
              <p className={person.bio === '' ? 'hint' : 'said'}>{person.bio || boards.noBio}</p>
            </ContentBoundary>
          </div>
        </section>
      )}
    </Show>
  );
}
