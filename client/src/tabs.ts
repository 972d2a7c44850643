import type { Reason } from './contract.js';

/** What tabs tell each other. Never a token: each asks the server for its own. */
export interface News {
  readonly reason: Reason;
  /** The session that began or ended. */
  readonly sessionId: string | undefined;
}

export const tabsCanTalk = typeof BroadcastChannel !== 'undefined';

/**
 * Joins the tabs of this browser; gives the way to tell them something. Where there is no BroadcastChannel nobody hears
 * it, and each finds out with its next request, or when it is shown again.
 */
export function joinTabs(name: string, hear: (news: News) => void): (news: News) => void {
  if (!tabsCanTalk) return () => {};
  const channel = new BroadcastChannel(name);
  channel.addEventListener('message', ({ data }: MessageEvent<News>) => hear(data));
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel belongs to one origin
  return (news) => channel.postMessage(news);
}
