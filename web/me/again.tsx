import { useProviders } from '../entry/provider-buttons.js';
import { useWords } from '../language/language.js';
import { logInWith } from '../session/session.js';
import type { WaysIn } from './ways-in.js';

/** Logging in once more shows that it is oneself; afterwards one is on this page again. */
export function Again({ ways }: { readonly ways: WaysIn }) {
  const { me } = useWords();
  const { data = [] } = useProviders();
  const mine = data.filter(({ id }) => ways.identities.some(({ provider }) => provider === id));
  return (
    <div className="actions">
      {mine.map(({ id }) => (
        <button type="button" key={id} className="plain" onClick={() => logInWith(id, location.pathname)}>
          {me.againWith(me.method(id))}
        </button>
      ))}
    </div>
  );
}
