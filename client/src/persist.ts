import { Failure } from './failure.js';

/** Milliseconds before the second, third and fourth attempt; together longer than a server needs to restart. */
const PAUSES_MS = [250, 1_000, 3_000];

/** Attempts something that may be repeated, a few times while the answers are lost or say that it would pass. */
export async function persist<T>(attempt: () => Promise<T>): Promise<T> {
  for (const pause of PAUSES_MS) {
    try {
      return await attempt();
    } catch (error) {
      const wish = wishedPause(error);
      if (wish === undefined || wish > 5_000) throw error;
      await sleep(Math.max(pause, wish) * (1 + Math.random() / 2));
    }
  }
  return attempt();
}

/** How long the server wants to be left alone, or undefined when its answer is final. */
function wishedPause(error: unknown): number | undefined {
  const passes =
    error instanceof Failure && (error.code === 'unreachable' || error.code === 'temporarily_unavailable');
  return passes ? (error.retryAfter ?? 0) * 1_000 : undefined;
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
