// Takes the screenshots of README.md (docs/images/*.png) from a running server, with personas of the sandbox.
// Usage: node scripts/screenshots.mjs (after a build; needs Chromium and a Korean font, such as Debian's fonts-noto-cjk)
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';

const TARGET = 'docs/images';
/** Largest file of a screenshot. */
const MAX_BYTES = 150_000;
const DANCHEONG = `오래된 **대문**을 올려다보면 처마 아래가 온통 알록달록하지요.

> 파랑, 하양, 빨강, 검정, 노랑

1. 나무를 비와 벌레에게서 지켜 주고
2. 건물이 무엇을 하는 곳인지 알려 준답니다

여러분 동네의 대문은 무슨 색인가요?
`;
const ports = { PORT: '3974', SANDBOX_PORT: '3975', SANDBOX_SMTP_PORT: '3976' };
const origin = `http://localhost:${ports.PORT}`;
const dataDir = mkdtempSync(join(tmpdir(), 'daemun-screenshots-'));

const server = spawn(process.execPath, ['dist/src/main.js'], {
  env: { ...process.env, ...ports, NODE_ENV: 'development', DATA_DIR: dataDir, LOG_LEVEL: 'warn' },
  stdio: ['ignore', 'ignore', 'inherit'],
});
const browser = await chromium.launch({
  executablePath: findChromium(),
  args: ['--no-sandbox', '--headless', '--disable-gpu'],
});
try {
  await ready();
  mkdirSync(TARGET, { recursive: true });
  const post = await fillTheBoards();
  await frontGate();
  await watchingItWork(post);
  await onThePhone(post);
} finally {
  await browser.close();
  const gone = once(server, 'exit');
  server.kill();
  await gone;
  rmSync(dataDir, { recursive: true, force: true });
}

/** Fills boards with a conversation of two users. Returns the path of its post. */
async function fillTheBoards() {
  const mina = await visit({ as: 'mina', with: 'kakao' });
  const path = await write(mina, '단청 색은 왜 다섯 가지일까요?', DANCHEONG);
  await write(mina, '이번 주말 북촌 한 바퀴 어때요?', '토요일 오전 열 시, 안국역 2번 출구에서 만나요.');
  const jun = await visit({ as: 'jun', with: 'naver' });
  await jun.goto(path);
  await jun.click('.like');
  await jun.waitForSelector('.like.liked');
  await jun.fill('.new-comment textarea', '대문에 칠한 색에도 뜻이 있었군요. 잘 읽었어요!');
  await jun.click('.new-comment .main');
  await jun.waitForSelector('.comment');
  for (const page of [mina, jun]) await page.context().close();
  return path;
}

async function frontGate() {
  const page = await visit({ locale: 'ko-KR' });
  await page.goto('/');
  await page.waitForSelector('.provider.google');
  await page.waitForSelector('.post-list');
  await keep(page, 'front-gate');
}

async function watchingItWork(path) {
  const page = await visit({ as: 'mina', with: 'kakao', locale: 'en-US' });
  await page.goto(`${path}#watch`);
  await page.waitForSelector('.comment');
  await page.getByRole('button', { name: 'Clear' }).click();
  await page.getByRole('button', { name: 'Let the token expire now' }).click();
  await page.click('.like');
  await page.waitForSelector('.journal .repeat');
  await page.getByRole('button', { name: 'Lose the next answer' }).click();
  await page.waitForSelector('.journal .refresh.well:first-child');
  await page.mouse.move(0, 0);
  await page.evaluate('document.activeElement.blur()');
  await keep(page, 'watch-it-work');
}

async function onThePhone(path) {
  const viewport = { width: 390, height: 844 };
  const page = await visit({ as: 'jun', with: 'naver', locale: 'ko-KR', viewport, colorScheme: 'dark' });
  await page.goto(path);
  await page.waitForSelector('.comment');
  await keep(page, 'on-the-phone');
}

async function visit({ as, with: provider, ...options }) {
  const viewport = { width: 1280, height: 800 };
  const context = await browser.newContext({ baseURL: origin, locale: 'ko-KR', viewport, ...options });
  // No pictures are loaded from other hosts.
  await context.route(/^https:/, (route) => route.abort());
  const page = await context.newPage();
  if (as !== undefined) {
    await page.goto('/');
    await page.click(`.provider.${provider}`);
    await page.click(`button[name=persona][value=${as}]`);
    await page.waitForSelector('.mine');
  }
  return page;
}

async function write(page, title, body) {
  await page.goto('/b/free/write');
  await page.fill('[name=title]', title);
  await page.fill('[name=body]', body);
  await page.click('.editor .main');
  await page.waitForSelector('.post');
  return new URL(page.url()).pathname;
}

async function keep(page, name) {
  const path = join(TARGET, `${name}.png`);
  await page.screenshot({ path, animations: 'disabled', caret: 'hide' });
  await page.context().close();
  const { size } = statSync(path);
  console.log(`${path}: ${Math.round(size / 1000)} KB`);
  if (size > MAX_BYTES) throw new Error(`${path} is larger than ${MAX_BYTES} bytes`);
}

async function ready() {
  for (let attempt = 0; attempt < 1_200; attempt++) {
    if (
      await fetch(`${origin}/health/ready`)
        .then(({ ok }) => ok)
        .catch(() => false)
    )
      return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the server is not ready after two minutes');
}

function findChromium() {
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  const folders = (process.env.PATH ?? '').split(delimiter);
  return names
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((path) => existsSync(path));
}
