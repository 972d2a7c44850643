import { rmSync } from 'node:fs';

export default function tearDown() {
  rmSync(process.env.TEST_RUN_DIR, { recursive: true });
}
