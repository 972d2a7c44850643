// Smoke test of the built server: starts it with defaults, logs in with each provider of the sandbox, writes a post, kills the
// server with SIGKILL, and reads the post after a restart. Usage: node scripts/smoke.mjs (after a build)
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ports = { PORT: '3971', SANDBOX_PORT: '3972', SANDBOX_SMTP_PORT: '3973' };
const origin = `http://localhost:${ports.PORT}`;
const dataDir = mkdtempSync(join(tmpdir(), 'daemun-smoke-'));

try {
  const first = await start('first start', 60_000);
  for (const provider of ['google', 'kakao', 'naver']) await logIn(provider);
  const mina = await logIn('kakao');
  const posted = await call('/boards/free/posts', mina, { title: '안녕하세요', body: 'Hello *gate*' });
  if (posted.status !== 201) throw new Error(`posting answered ${posted.status}`);
  const path = posted.headers.get('location');
  first.kill('SIGKILL');
  await once(first, 'exit');

  const second = await start('second start', 5_000);
  const read = await fetch(origin + path);
  if ((await read.json()).title !== '안녕하세요') throw new Error('the post did not survive SIGKILL');
  await refresh(mina);
  second.kill('SIGINT');
  const [code] = await once(second, 'exit');
  if (code !== 0) throw new Error(`the server exited with ${code} after SIGINT`);
  console.log('smoke: logged in with each provider, wrote a post, survived SIGKILL, stopped cleanly');
} finally {
  rmSync(dataDir, { recursive: true, force: true });
}

async function start(name, limitMs) {
  const began = Date.now();
  const server = spawn(process.execPath, ['dist/src/main.js'], {
    env: { ...process.env, ...ports, NODE_ENV: 'development', DATA_DIR: dataDir, LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const gone = once(server, 'exit').then(([code]) =>
    Promise.reject(new Error(`the server ended with ${code}`)),
  );
  gone.catch(() => {});
  for (;;) {
    const ready = await Promise.race([
      fetch(`${origin}/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
      gone,
    ]);
    const took = Date.now() - began;
    if (ready) {
      console.log(`smoke: ${name} took ${(took / 1000).toFixed(1)} s (limit: ${limitMs / 1000} s)`);
      return server;
    }
    if (took > 120_000) throw new Error(`${name}: not ready after two minutes`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Logs in through a provider of the sandbox. Returns a cookie jar and an access token. */
async function logIn(provider) {
  const jar = {};
  const toConsent = await hop(jar, `${origin}/auth/${provider}?returnTo=/`);
  const consent = await fetch(toConsent.headers.get('location'));
  const page = await consent.text();
  const form = new URLSearchParams({ persona: 'mina' });
  for (const [, name, value] of page.matchAll(/<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"/g))
    form.set(name, value);
  const action = /<form[^>]*action="([^"]*)"/.exec(page)?.[1] ?? '';
  const decided = await fetch(new URL(action, consent.url), {
    method: 'POST',
    body: form,
    redirect: 'manual',
  });
  const back = await hop(jar, decided.headers.get('location'));
  if (back.headers.get('location') !== `${origin}/`) {
    throw new Error(`${provider}: landed at ${back.headers.get('location')}`);
  }
  return refresh({ jar });
}

async function refresh({ jar }) {
  const answer = await hop(jar, `${origin}/auth/refresh`, { method: 'POST' });
  if (answer.status !== 200) throw new Error(`refresh answered ${answer.status}`);
  return { jar, token: (await answer.json()).accessToken };
}

function call(path, { token }, body) {
  return fetch(origin + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

async function hop(jar, url, options = {}) {
  const cookie = Object.entries(jar)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ');
  const response = await fetch(url, { redirect: 'manual', ...options, headers: { cookie } });
  for (const line of response.headers.getSetCookie()) {
    const [pair] = line.split(';');
    const [name, value] = pair.split('=');
    jar[name] = value;
  }
  return response;
}
