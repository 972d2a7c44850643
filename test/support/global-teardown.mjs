import { rmSync } from 'node:fs';

export default async function tearDown() {
  await globalThis.stopSharedPostgres?.();
  rmSync(process.env.TEST_RUN_DIR, { recursive: true });
}
