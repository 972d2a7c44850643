import type { PublicProfile } from '../../src/users/schemas.js';
import { ContentBoundary } from '../ui/error-boundary.js';
import { useLoad } from '../ui/use-load.js';
import { Avatar } from '../ui/avatar.js';
import { Title } from '../ui/title.js';
import { Async } from '../ui/async.js';
import { useWords } from '../i18n/language.js';
import { callApiAnonymously } from '../session/api.js';
import './person-page.css';

/** Public profile of a user. */
export function PersonPage({ id }: { readonly id: string }) {
  const { boards } = useWords();
  const loaded = useLoad(['user', id], (signal) =>
    callApiAnonymously<PublicProfile>(`/users/${encodeURIComponent(id)}`, { signal }),
  );
  return (
    <Async loaded={loaded} page>
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
    </Async>
  );
}
