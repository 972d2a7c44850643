import { mkdirSync } from 'node:fs';
import { OperatorError } from './operator-error.js';

/**
 * Makes the folder for what is kept on disk, for this user alone.
 * @throws {OperatorError} when it cannot be made.
 */
export function makeDataDir(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new OperatorError(
      `DATA_DIR is no folder that can be used (${code}): name one that this user may make and write.`,
      { cause: error },
    );
  }
}
