import { Failure } from './failure.js';
import { startStopwatch } from './stopwatch.js';

/** Milliseconds before the second and third attempt, and before each one after those. */
const PAUSES_MS = [250, 1_000];
const LATER_PAUSE_MS = 2_500;
/** After this long no further attempt is made. It is longer than a server needs to restart. */
const GIVE_UP_AFTER_MS = 20_000;

/** Attempts something that may be repeated, for a while, as long as answers are lost or say that it will pass. */
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

/** How long the server wants to be left alone, or undefined when its answer is final. */
function wishedPause(error: unknown): number | undefined {
  if (!(error instanceof Failure)) return undefined;
  const { code, retryAfter } = error;
  // A log-in in another tab has just replaced the session: its cookie is there in a moment.
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
