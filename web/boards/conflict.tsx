import { AsyncButton } from '../ui/async-button.js';
import { useWords } from '../i18n/language.js';

/** Asks for the version to keep after an edit conflict (412). */
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
        <AsyncButton label={boards.keepMine} action={keepMine} />
        <AsyncButton label={boards.takeTheirs} action={takeTheirs} />
      </div>
    </div>
  );
}
