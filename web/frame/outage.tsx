import { useWords } from '../language/language.js';
import { findOutWhoIsHere, useStanding } from '../session/session.js';
import { Act } from './act.js';

/** Says that nobody can tell who is here. That is not being logged out. */
export function Outage() {
  const { frame, problems } = useWords();
  const { user, outage } = useStanding();
  if (outage === undefined || user !== undefined) return null;
  const ours = outage.code === 'origin_not_allowed' ? problems[outage.code] : frame.unknownText;
  return (
    <div className="note bad" role="alert">
      <p>
        <strong>{frame.unknownTitle}.</strong> {ours}
      </p>
      <Act label={frame.tryAgain} act={findOutWhoIsHere} />
    </div>
  );
}
