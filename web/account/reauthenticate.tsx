import { useProviders } from '../auth/provider-buttons.js';
import { useWords } from '../i18n/language.js';
import { logInWith } from '../session/session.js';
import type { LoginMethods } from './login-methods.js';

/** Buttons that log in again with a linked provider and lead back to this page. */
export function Reauthenticate({ methods }: { readonly methods: LoginMethods }) {
  const { me } = useWords();
  const { data = [] } = useProviders();
  const mine = data.filter(({ id }) => methods.identities.some(({ provider }) => provider === id));
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
