import { useProviders } from '../auth/provider-buttons.js';
import { useWords } from '../i18n/language.js';
import { logInWith } from '../session/session.js';
import type { LoginMethods } from './login-methods.js';

/** Logging in once more shows that it is oneself; afterwards one is on this page again. */
export function Reauthenticate({ ways }: { readonly ways: LoginMethods }) {
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
