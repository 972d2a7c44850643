// Smoke test of a production installation: starts the built server, and requests pages and routes that need no account.
// Usage: npm ci && npm run build && npm ci --omit=dev && node scripts/smoke-production.mjs
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

for (const name of ['typescript', '@nestjs/swagger', 'es-toolkit', 'js-yaml']) {
  if (existsSync(join('node_modules', name))) throw new Error(`${name} is in the production installation`);
}

const [port, metricsPort] = [3974, 3975];
const dataDir = mkdtempSync(join(tmpdir(), 'daemun-smoke-'));
const server = spawn(process.execPath, ['dist/src/main.js'], {
  env: {
    PATH: process.env.PATH,
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: String(port),
    METRICS_PORT: String(metricsPort),
    PUBLIC_URL: 'https://daemun.example',
    AUTH_SECRET: randomBytes(32).toString('base64'),
    TRUST_PROXY: 'none',
    DOCS: 'public',
    DATA_DIR: dataDir,
    LOG_LEVEL: 'warn',
  },
  stdio: ['ignore', 'inherit', 'inherit'],
});
let ended = false;
const exit = once(server, 'exit').finally(() => (ended = true));
try {
  const deadline = Date.now() + 120_000;
  while (!(await ready())) {
    if (ended || Date.now() > deadline) throw new Error('the server did not start');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await expectStatus(`http://127.0.0.1:${port}/`, 200);
  await expectStatus(`http://127.0.0.1:${port}/boards`, 200);
  await expectStatus(`http://127.0.0.1:${port}/users/me`, 401);
  await expectStatus(`http://127.0.0.1:${port}/metrics`, 404);
  await expectStatus(`http://127.0.0.1:${metricsPort}/metrics`, 200);
  await expectStatus(`http://127.0.0.1:${port}/docs`, 200);
  const document = await expectStatus(`http://127.0.0.1:${port}/docs/openapi.json`, 200);
  if (document !== readFileSync('docs/openapi.json', 'utf8'))
    throw new Error('the served OpenAPI document differs from docs/openapi.json');
  server.kill('SIGTERM');
  const [code] = await exit;
  if (code !== 0) throw new Error(`the server exited with ${code} after SIGTERM`);
  console.log('smoke: a production installation starts, responds and stops');
} finally {
  server.kill('SIGKILL');
  rmSync(dataDir, { recursive: true, force: true });
}

async function ready() {
  const answer = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined);
  return answer?.ok === true;
}

async function expectStatus(url, status) {
  const answer = await fetch(url);
  const text = await answer.text();
  if (answer.status !== status) throw new Error(`${url} answered ${answer.status}, not ${status}`);
  return text;
}
