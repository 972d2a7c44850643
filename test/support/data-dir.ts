import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TEMPLATE_DIR } from './template.mjs';

/** A `DATA_DIR` that outlives the app that uses it, with an empty embedded database. Whoever asks removes it. */
export function makeDataDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'daemun-test-'));
  cpSync(TEMPLATE_DIR, dir, { recursive: true });
  return dir;
}
