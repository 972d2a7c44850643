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

/** Times of a lock. */
interface LockTimes {
  /** Interval in which the owner touches the lock file. */
  readonly heartbeatMs: number;
  /** Age of the last heartbeat after which an owner on another host counts as dead. */
  readonly staleAfterMs: number;
}

/**
 * Owner of a lock. During a deploy two containers may share the folder, where a socket of the owner would not be visible,
 * and a process id alone is ambiguous. Process ids are also reused, hence the start time.
 */
interface Owner {
  readonly pid: number;
  readonly started: string;
  readonly host: string;
}

/** Error of a lock that another process holds. */
export class LockHeld extends Error {
  constructor(readonly owner: string) {
    super(`held by ${owner}`);
    this.name = 'LockHeld';
  }
}

/**
 * Takes an exclusive lock in a file. Returns a function that releases it. The lock of a dead owner is taken over: at once if
 * the owner ran on this host, otherwise after `staleAfterMs` without heartbeat.
 * @throws {LockHeld} or the error of the file system.
 */
export async function takeLock(
  path: string,
  times: LockTimes = { heartbeatMs: 1_000, staleAfterMs: 10_000 },
): Promise<() => void> {
  const self: Owner = { pid: process.pid, started: startOf(process.pid), host: thisHost() };
  const ownContent = JSON.stringify({ ...self, id: randomUUID() });
  for (; !create(path, ownContent); await sleep(times.heartbeatMs / 20)) {
    const content = contentOf(path);
    if (content === undefined) continue;
    const owner = ownerIn(content);
    if (await isAlive(owner, path, content, self, times)) {
      throw new LockHeld(owner?.host === self.host ? `process ${owner.pid}` : 'a process on another host');
    }
    takeOver(path, content, times);
  }
  const heartbeat = setInterval(() => touch(path), times.heartbeatMs).unref();
  return () => {
    clearInterval(heartbeat);
    if (contentOf(path) === ownContent) rmSync(path, { force: true });
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
  { host }: Owner,
  { heartbeatMs, staleAfterMs }: LockTimes,
): Promise<boolean> {
  if (owner?.host === host) return startOf(owner.pid) === owner.started && isRunning(owner.pid);
  // An empty file is being written, or its owner died before writing it.
  const lastHeartbeat = touchedAt(path);
  const timeoutMs = owner === undefined && content === '' ? heartbeatMs : staleAfterMs;
  for (const begun = Date.now(); Date.now() - begun < timeoutMs;) {
    await sleep(heartbeatMs / 4);
    if (contentOf(path) !== content || touchedAt(path) !== lastHeartbeat) return contentOf(path) === content;
  }
  return false;
}

/** Removes the lock of a dead owner, unless its content has changed. A guard folder admits one process at a time. */
function takeOver(path: string, content: string, { staleAfterMs }: LockTimes): void {
  const guard = `${path}.take-over`;
  try {
    mkdirSync(guard);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // The guard of a process that died in between is removed.
    if (Date.now() - (touchedAt(guard) ?? Date.now()) > staleAfterMs)
      rmSync(guard, { recursive: true, force: true });
    return;
  }
  try {
    if (contentOf(path) === content) rmSync(path, { force: true });
  } finally {
    rmdirSync(guard);
  }
}

/** Returns the content of a file; undefined if it does not exist, or (in /proc) if its process ended during the read. */
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
    const { pid, started, host } = JSON.parse(content) as Partial<Owner>;
    return pid === undefined || started === undefined || host === undefined
      ? undefined
      : { pid, started, host };
  } catch {
    return undefined;
  }
}

function touch(path: string): void {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch {
    // The folder is not available. Operations of the database report this.
  }
}

function touchedAt(path: string): number | undefined {
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

/** Returns the start time of a process in Linux clock ticks (proc(5), field 22); empty on other systems. */
function startOf(pid: number): string {
  const stat = contentOf(`/proc/${pid}/stat`) ?? '';
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

/** Returns the scope of process ids: the host name and, on Linux, the pid namespace. */
function thisHost(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}
