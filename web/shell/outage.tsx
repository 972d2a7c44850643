import { useWords } from '../i18n/language.js';
import { restoreSession, useAuthState } from '../session/session.js';
import { AsyncButton } from '../ui/async-button.js';

/** Message that the session is unknown because of an outage. */
export function Outage() {
  const { frame, problems } = useWords();
  const { user, outage } = useAuthState();
  if (outage === undefined || user !== undefined) return null;
  const ours = outage.code === 'origin_not_allowed' ? problems[outage.code] : frame.unknownText;
  return (
    <div className="note bad" role="alert">
      <p>
        <strong>{frame.unknownTitle}.</strong> {ours}
      </p>
      <AsyncButton label={frame.tryAgain} action={restoreSession} />
    </div>
  );
}
