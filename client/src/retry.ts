import { Failure } from './failure.js';
import { startStopwatch } from './stopwatch.js';

/** Pauses before the second and the third attempt. */
const PAUSES_MS = [250, 1_000];
const LATER_PAUSE_MS = 2_500;
/** Time after which no further attempt is made. A restart of the server takes less. */
const GIVE_UP_AFTER_MS = 20_000;

/** Repeats an idempotent call while responses are lost or say that the failure is temporary. */
export async function retry<T>(attempt: () => Promise<T>): Promise<T> {
  const age = startStopwatch();
  for (let failed = 0; ; failed++) {
    try {
      return await attempt();
    } catch (error) {
      const wish = wishedPause(error);
      if (wish === undefined || wish > 5_000 || age() > GIVE_UP_AFTER_MS) throw error;
      await sleep(Math.max(PAUSES_MS[failed] ?? LATER_PAUSE_MS, wish) * (1 + Math.random() / 2));
    }
  }
}

/** Returns the pause that the server asks for in milliseconds; undefined if its response is final. */
function wishedPause(error: unknown): number | undefined {
  if (!(error instanceof Failure)) return undefined;
  const { code, retryAfter } = error;
  // A login in another tab has just replaced the session, and its cookie arrives soon.
  const passes =
    code === 'unreachable' ||
    code === 'temporarily_unavailable' ||
    code === 'too_many_attempts' ||
    (code === 'session_ended' && retryAfter !== undefined);
  return passes ? (retryAfter ?? 0) * 1_000 : undefined;
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
