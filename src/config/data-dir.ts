import { mkdirSync } from 'node:fs';
import { OperatorError } from './operator-error.js';

/**
 * Creates the data folder with access for this user only.
 * @throws {OperatorError} if the folder cannot be created.
 */
export function makeDataDir(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new OperatorError(
      `The folder in DATA_DIR cannot be used (${code}): set DATA_DIR to a folder that this user may create and write.`,
      { cause: error },
    );
  }
}
