import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LockHeld, takeLock } from '../../src/database/folder-lock.js';

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'daemun-lock-'));
  path = join(dir, 'lock');
});
afterEach(() => rmSync(dir, { recursive: true }));

/** The owner of a lock on another host, whose process cannot be checked. */
const ELSEWHERE = { pid: process.pid, started: '1', host: 'another machine' };

/** The content of a lock whose owner has ended, with a process id that the system has reused for this process. */
function leaveStaleLock(): void {
  const owner = JSON.parse(readFileSync(path, 'utf8')) as object;
  writeFileSync(path, JSON.stringify({ ...owner, started: '1' }));
}

describe('the lock of a folder', () => {
  it('has one owner until it is released', async () => {
    const release = await takeLock(path);
    await expect(takeLock(path)).rejects.toThrow(LockHeld);
    release();
    (await takeLock(path))();
    expect(existsSync(path)).toBe(false);
  });

  it('is taken over at once from an ended process, also if its process id was reused', async () => {
    await takeLock(path);
    leaveStaleLock();
    await takeLock(path);
  });

  it('is taken over by only one of many parallel calls', async () => {
    for (let round = 0; round < 20; round++) {
      if (round > 0) leaveStaleLock();
      const taken = await Promise.allSettled(Array.from({ length: 8 }, () => takeLock(path)));
      expect(taken.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    }
  });

  it('is acquired by only one of several processes', async () => {
    const take = `
      import { takeLock } from ${JSON.stringify(new URL('../../dist/test/src/database/folder-lock.js', import.meta.url).href)};
      await new Promise((go) => process.stdin.once('data', go));
      await takeLock(${JSON.stringify(path)}).then(() => process.stdout.write('taken'), () => process.stdout.write('held'));
      setInterval(() => {}, 1000);`;
    const processes = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ['--input-type=module', '-e', take], { stdio: ['pipe', 'pipe', 'inherit'] }),
    );
    try {
      const said = processes.map(async ({ stdout }) => String((await once(stdout, 'data'))[0]));
      for (const { stdin } of processes) stdin.write('go');
      expect((await Promise.all(said)).toSorted()).toEqual(['held', 'held', 'held', 'taken']);
    } finally {
      for (const child of processes) child.kill('SIGKILL');
    }
  });

  it('is not taken from an owner on another host with a fresh heartbeat', async () => {
    writeFileSync(path, JSON.stringify(ELSEWHERE));
    const heart = setInterval(() => utimesSync(path, new Date(), new Date()), 20);
    try {
      await expect(takeLock(path, { heartbeatMs: 40, staleAfterMs: 2_000 })).rejects.toThrow(
        'a process on another host',
      );
    } finally {
      clearInterval(heart);
    }
  });

  it.each([
    ['an owner on another host with an old heartbeat', JSON.stringify(ELSEWHERE)],
    ['a file that is not a lock', '4711'],
    ['an owner that ended before it wrote the lock', ''],
  ])('is taken over from %s', async (_, content) => {
    writeFileSync(path, content);
    await takeLock(path, { heartbeatMs: 10, staleAfterMs: 100 });
    expect(readFileSync(path, 'utf8')).not.toBe(content);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('is taken over also after an interrupted takeover', async () => {
    writeFileSync(path, '4711');
    mkdirSync(`${path}.take-over`);
    await takeLock(path, { heartbeatMs: 10, staleAfterMs: 100 });
  });

  it('is an error at once if it can be neither read nor removed', async () => {
    mkdirSync(path);
    await expect(takeLock(path, { heartbeatMs: 10, staleAfterMs: 100 })).rejects.toThrow(/EISDIR/);
  });
});
