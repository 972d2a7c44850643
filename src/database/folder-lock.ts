import { randomUUID } from 'node:crypto';
import {
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** Times in ms. */
interface Rhythm {
  /** How often a lock shows that its owner lives. */
  readonly heartbeat: number;
  /** An owner that cannot be asked after, and has not shown itself for so long, is gone. */
  readonly silence: number;
}

/**
 * Who holds a lock. A socket that only lives as long as its owner would be simpler, but is not seen from another container
 * that has the same folder, which is where two meet: at a deploy. A process id by itself says nothing there, nor once it was
 * given anew.
 */
interface Owner {
  readonly pid: number;
  readonly started: string;
  readonly place: string;
}

/** Somebody else holds the lock. */
export class LockHeld extends Error {
  constructor(readonly owner: string) {
    super(`held by ${owner}`);
    this.name = 'LockHeld';
  }
}

/**
 * Takes the lock in a file, for this process alone, and gives back how to release it. One whose owner is gone is taken over:
 * at once where its process can be looked for, else when it has been silent for ten seconds.
 * @throws {LockHeld} and whatever keeps the file from being read or written.
 */
export async function takeLock(
  path: string,
  rhythm: Rhythm = { heartbeat: 1_000, silence: 10_000 },
): Promise<() => void> {
  const me: Owner = { pid: process.pid, started: startOf(process.pid), place: thisPlace() };
  const mine = JSON.stringify({ ...me, id: randomUUID() });
  for (; !create(path, mine); await sleep(rhythm.heartbeat / 20)) {
    const theirs = contentOf(path);
    if (theirs === undefined) continue;
    const owner = ownerIn(theirs);
    if (await isAlive(owner, path, theirs, me, rhythm)) {
      throw new LockHeld(owner?.place === me.place ? `process ${owner.pid}` : 'a process elsewhere');
    }
    takeOver(path, theirs, rhythm);
  }
  const heart = setInterval(() => show(path), rhythm.heartbeat).unref();
  return () => {
    clearInterval(heart);
    if (contentOf(path) === mine) rmSync(path, { force: true });
  };
}

function create(path: string, content: string): boolean {
  try {
    writeFileSync(path, content, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function isAlive(
  owner: Owner | undefined,
  path: string,
  content: string,
  { place }: Owner,
  { heartbeat, silence }: Rhythm,
): Promise<boolean> {
  if (owner?.place === place) return startOf(owner.pid) === owner.started && isRunning(owner.pid);
  // Elsewhere; or just being written.
  const seen = shownAt(path);
  const patience = owner === undefined && content === '' ? heartbeat : silence;
  for (const begun = Date.now(); Date.now() - begun < patience;) {
    await sleep(heartbeat / 4);
    if (contentOf(path) !== content || shownAt(path) !== seen) return contentOf(path) === content;
  }
  return false;
}

/** Removes a lock whose owner is gone, unless somebody else was faster: only one at a time looks, and removes. */
function takeOver(path: string, content: string, { silence }: Rhythm): void {
  const guard = `${path}.take-over`;
  try {
    mkdirSync(guard);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // Somebody who did not come to the end of this is not waited for.
    if (Date.now() - (shownAt(guard) ?? Date.now()) > silence)
      rmSync(guard, { recursive: true, force: true });
    return;
  }
  try {
    if (contentOf(path) === content) rmSync(path, { force: true });
  } finally {
    rmdirSync(guard);
  }
}

/** Undefined where there is no such file; of a process, where it ends while it is looked at. */
function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function ownerIn(content: string): Owner | undefined {
  try {
    const { pid, started, place } = JSON.parse(content) as Partial<Owner>;
    return pid === undefined || started === undefined || place === undefined
      ? undefined
      : { pid, started, place };
  } catch {
    return undefined;
  }
}

function show(path: string): void {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch {
    // The folder is away for a moment, or for good; whoever uses it will say so.
  }
}

function shownAt(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** When a process began, as Linux counts it (proc(5), field 22); nothing elsewhere. */
function startOf(pid: number): string {
  const stat = contentOf(`/proc/${pid}/stat`) ?? '';
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

/** Machine and, on Linux, pid namespace: where a process id means something. */
function thisPlace(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}
