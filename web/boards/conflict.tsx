import { Act } from '../frame/act.js';
import { useWords } from '../language/language.js';

/** Asks which version should stay when two people, or two tabs, have changed the same post. */
export function Conflict({
  keepMine,
  takeTheirs,
}: {
  readonly keepMine: () => Promise<void>;
  readonly takeTheirs: () => Promise<void>;
}) {
  const { boards } = useWords();
  return (
    <div className="note bad" role="alert">
      <p>
        <strong>{boards.conflictTitle}.</strong> {boards.conflictText}
      </p>
      <div className="actions">
        <Act label={boards.keepMine} act={keepMine} />
        <Act label={boards.takeTheirs} act={takeTheirs} />
      </div>
    </div>
  );
}
